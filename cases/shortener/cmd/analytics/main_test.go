package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/clicks"
	"designkits/shared/service"
	"designkits/shared/testenv"
)

// boot runs the whole process on port 0 and returns its base URL.
func boot(t *testing.T, namespace string) (url string, stop func() error) {
	t.Helper()
	for name, value := range map[string]string{
		"LISTEN": "127.0.0.1:0", "CASSANDRA": testenv.Addr(t, "cassandra"), "KAFKA": testenv.Addr(t, "kafka"),
		"FLINK_KAFKA": testenv.Addr(t, "kafka"), "FLINK_SQL": "http://" + testenv.Addr(t, "flink.sql"),
		"FLINK_REST": "http://" + testenv.Addr(t, "flink.rest"), "FLINK_CHECKPOINTS": testenv.Data(t, "flink") + "/checkpoints",
		"NAMESPACE": namespace,
	} {
		t.Setenv(name, value)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	built := make(chan *service.Service, 1)
	go func() {
		ended <- service.Run(ctx, "analytics", func(ctx context.Context, s *service.Service) error {
			built <- s
			return run(ctx, s)
		})
	}()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	addr, err := (<-built).Addr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + addr.String(), stop
}

func pipelineOf(t *testing.T, base string) (p clicks.Pipeline) {
	t.Helper()
	resp, err := http.Get(base + "/api/pipeline")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

// watch reads a link's live stream and sums up what it says, until the test ends.
func watch(t *testing.T, base, code string) (total func() clicks.Counts, states func() int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/links/"+code+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%s %s", resp.Status, got)
	}
	var mu sync.Mutex
	var sum clicks.Counts
	seen := 0
	var reading sync.WaitGroup
	reading.Go(func() {
		defer resp.Body.Close()
		event := ""
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			mu.Lock()
			switch {
			case name == "event":
				event = value
			case name == "data" && event == "increment":
				var update clicks.Update
				if err := json.Unmarshal([]byte(value), &update); err != nil {
					t.Errorf("%v in %s", err, value)
				}
				if string(update.Code) != code {
					t.Errorf("an update of %s in the stream of %s", update.Code, code)
				}
				sum.Add(update.Counts)
			case name == "data" && event == "state":
				seen++
			}
			mu.Unlock()
		}
	})
	t.Cleanup(reading.Wait) // the test's context has ended by then
	return func() clicks.Counts {
			mu.Lock()
			defer mu.Unlock()
			return sum
		}, func() int {
			mu.Lock()
			defer mu.Unlock()
			return seen
		}
}

func TestClicksBecomeStatsAndArriveOnThePage(t *testing.T) {
	c := &counting{t: t, namespace: testenv.Namespace(t)}
	t.Cleanup(c.cancelJob)
	base, stop := boot(t, c.namespace)
	var err error
	if c.clicks, err = kafka.NewClickLog([]string{testenv.Addr(t, "kafka")}, c.namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.clicks.Close(context.Background()) })
	pipeline := func() clicks.Pipeline { return pipelineOf(t, base) }
	testenv.Eventually(t, 4*time.Minute, "the stream job runs", func() bool { return pipeline().Job == clicks.JobRunning })

	live, states := watch(t, base, "link00")
	sent := c.send(traffic(2000, 2), 10*time.Millisecond)

	db, err := cassandra.Open(t.Context(), cassandra.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: c.namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	stats := func(code shortener.Code) clicks.Stats {
		now := time.Now().UTC()
		got, err := db.Stats().Stats(t.Context(), clicks.StatsQuery{
			Code: code, From: now.Add(-2 * time.Hour), To: now.Add(time.Hour), Granularity: clicks.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	// By code, and by code and part: what the store must sum up to.
	want := map[shortener.Code]map[clicks.Dimension]map[string]clicks.Counts{}
	for r, counts := range expected(sent) {
		if want[r.code] == nil {
			want[r.code] = map[clicks.Dimension]map[string]clicks.Counts{}
		}
		if want[r.code][r.dimension] == nil {
			want[r.code][r.dimension] = map[string]clicks.Counts{}
		}
		sum := want[r.code][r.dimension][r.value]
		sum.Add(counts)
		want[r.code][r.dimension][r.value] = sum
	}
	for code, parts := range want {
		var differs string
		t.Cleanup(func() {
			if differs != "" {
				t.Log(differs)
			}
		})
		// A click's parts may come in another batch than its total.
		testenv.Eventually(t, 2*time.Minute, fmt.Sprintf("%s has all of its clicks, bots and visitors", code), func() bool {
			differs = difference(stats(code), parts)
			return differs == ""
		})
	}
	all := want["link00"][clicks.Total][""]
	testenv.Eventually(t, time.Minute, "the page has got every click of link00", func() bool { return live().Clicks == all.Clicks && live().Bots == all.Bots })
	testenv.Eventually(t, time.Minute, "the stream tells of the pipeline", func() bool { return states() > 0 })
	testenv.Eventually(t, time.Minute, "the pipeline tells what it has done", func() bool {
		p := pipeline()
		return p.Applied > 0 && p.Late > 0 && p.Ticks > 0 && !p.Committed.IsZero() && p.Store == ""
	})
	testenv.Eventually(t, 2*time.Minute, "no backlog is left", func() bool {
		p := pipeline()
		if p.Unread > 0 || p.Unapplied > 0 {
			t.Logf("%d unread, %d unapplied", p.Unread, p.Unapplied)
			return false
		}
		return true
	})

	began := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > service.StopWithin {
		t.Errorf("the stop took %s", took)
	}
	// The job runs on, and the next process finds it.
	base, _ = boot(t, c.namespace)
	testenv.Eventually(t, 2*time.Minute, "the stream job is found again", func() bool { return pipeline().Job == clicks.JobRunning })
	if p := pipeline(); p.Restarts != 0 {
		t.Errorf("the running job was submitted %d times more", p.Restarts)
	}
}

// difference says in what a link's stats are not what its clicks must come to, by part.
func difference(got clicks.Stats, want map[clicks.Dimension]map[string]clicks.Counts) string {
	total := want[clicks.Total][""]
	if got.Total.Clicks != total.Clicks || got.Total.Bots != total.Bots || got.Total.Visitors != total.Visitors {
		return fmt.Sprintf("%+v, want %+v", got.Total, total)
	}
	for dimension, values := range want {
		if dimension == clicks.Total {
			continue
		}
		if len(got.By[dimension]) != len(values) {
			return fmt.Sprintf("by %s: %v, want %v", dimension, got.By[dimension], values)
		}
		for value, counts := range values {
			if g := got.By[dimension][value]; g.Clicks != counts.Clicks || g.Bots != counts.Bots {
				return fmt.Sprintf("by %s %q: %+v, want %+v", dimension, value, g, counts)
			}
		}
	}
	return ""
}

package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/flink"
	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/clicks"
	"designkits/shared/testenv"
)

// A row is where a count belongs.
type row struct {
	code      shortener.Code
	minute    time.Time
	dimension clicks.Dimension
	value     string
}

// counting runs the stream job of one test in a namespace of its own, from the
// click log to the committed increments, and sums these up.
type counting struct {
	t          *testing.T
	namespace  string
	clicks     *kafka.ClickLog
	pipeline   *flink.Pipeline
	increments *kafka.Increments

	mu       sync.Mutex
	sums     map[row]clicks.Counts
	applied  map[clicks.Position]bool
	arrivals map[shortener.Code]time.Time // when a code's first click came in
	stopRun  func()
	unticked atomic.Bool // no ticks are written
}

func startCounting(t *testing.T) *counting {
	t.Helper()
	c := &counting{
		t: t, namespace: testenv.Namespace(t),
		sums: map[row]clicks.Counts{}, applied: map[clicks.Position]bool{}, arrivals: map[shortener.Code]time.Time{},
	}
	brokers := []string{testenv.Addr(t, "kafka")}
	var err error
	if c.clicks, err = kafka.NewClickLog(brokers, c.namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.clicks.Close(context.Background()) })
	t.Cleanup(c.cancelJob) // after stopRun, which is registered later: nothing submits it again
	c.start()
	return c
}

// start runs the analytics side; stop ends it, the job in Flink runs on.
func (c *counting) start() {
	c.t.Helper()
	brokers := []string{testenv.Addr(c.t, "kafka")}
	log := slog.New(slog.NewTextHandler(c.t.Output(), nil))
	topics := kafka.TopicsOf(c.namespace)
	ticks, err := kafka.NewTicks(brokers, c.namespace, log)
	if err != nil {
		c.t.Fatal(err)
	}
	c.increments = kafka.NewIncrements(brokers, c.namespace, log)
	c.pipeline, err = flink.New(flink.Config{
		Namespace: c.namespace, Gateway: "http://" + testenv.Addr(c.t, "flink.sql"), REST: "http://" + testenv.Addr(c.t, "flink.rest"),
		Brokers: testenv.Addr(c.t, "kafka"), ClicksTopic: topics.Clicks, IncrementsTopic: topics.Increments,
		Checkpoints: testenv.Data(c.t, "flink") + "/checkpoints", Counted: c.increments.Counted, Log: log,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		_ = ticks.Run(ctx, func() bool { return c.pipeline.State().Job == clicks.JobRunning && !c.unticked.Load() })
	})
	running.Go(func() { _ = c.pipeline.Run(ctx) })
	running.Go(func() { _ = c.increments.Follow(ctx, c.apply) })
	c.stopRun = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		_ = ticks.Close(context.Background())
	})
	c.t.Cleanup(c.stopRun)
}

type flinkJob struct{ JID, Name, State string }

// activeJobs are the test's jobs that have not ended.
func (c *counting) activeJobs() (active []flinkJob) {
	c.t.Helper()
	var overview struct{ Jobs []flinkJob }
	resp, err := http.Get("http://" + testenv.Addr(c.t, "flink.rest") + "/jobs/overview")
	if err != nil {
		c.t.Errorf("look for the test's job: %v", err)
		return nil
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&overview); err != nil {
		c.t.Errorf("look for the test's job: %v", err)
	}
	for _, j := range overview.Jobs {
		if strings.HasPrefix(j.Name, c.namespace+".") && j.State != "CANCELED" && j.State != "FAILED" {
			active = append(active, j)
		}
	}
	return active
}

// cancelJob ends the test's job in Flink; its checkpoints stay.
func (c *counting) cancelJob() {
	c.t.Helper()
	for _, j := range c.activeJobs() {
		req, err := http.NewRequest(http.MethodPatch, "http://"+testenv.Addr(c.t, "flink.rest")+"/jobs/"+j.JID+"?mode=cancel", nil)
		if err != nil {
			c.t.Error(err)
			return
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			c.t.Errorf("cancel the test's job: %v", err)
			return
		}
		resp.Body.Close()
	}
	testenv.Eventually(c.t, 2*time.Minute, "the test's job has ended", func() bool { return len(c.activeJobs()) == 0 })
}

func (c *counting) apply(_ context.Context, batch []clicks.Positioned) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range batch {
		if c.applied[p.Position] {
			continue
		}
		c.applied[p.Position] = true
		if _, ok := c.arrivals[p.Code]; !ok {
			c.arrivals[p.Code] = time.Now()
		}
		r := row{p.Code, p.Minute, p.Dimension, p.Value}
		sum := c.sums[r]
		sum.Add(p.Counts)
		c.sums[r] = sum
	}
	return nil
}

func (c *counting) append(sent ...clicks.Click) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	if err := c.clicks.Append(ctx, sent); err != nil {
		c.t.Fatal(err)
	}
}

// total sums up the rows of a dimension, over all codes and minutes.
func (c *counting) total(dimension clicks.Dimension) clicks.Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum clicks.Counts
	for r, counts := range c.sums {
		if r.dimension == dimension {
			sum.Add(counts)
		}
	}
	return sum
}

func (c *counting) untilRunning() {
	c.t.Helper()
	defer func() {
		if c.t.Failed() {
			c.t.Logf("the pipeline: %+v", c.pipeline.State())
		}
	}()
	testenv.Eventually(c.t, 4*time.Minute, "the stream job runs", func() bool {
		return c.pipeline.State().Job == clicks.JobRunning
	})
}

// expected are the counts that clicks must end in. It is written apart from
// the SQL on purpose: it knows nothing of windows, watermarks or states.
func expected(sent []clicks.Click) map[row]clicks.Counts {
	type visit struct {
		code    shortener.Code
		visitor string
	}
	ids, visitors := map[string]bool{}, map[visit]bool{}
	sums := map[row]clicks.Counts{}
	for _, click := range sent {
		if ids[click.ID] {
			continue
		}
		ids[click.ID] = true
		counts := clicks.Counts{Bots: 1}
		if !click.Bot {
			counts = clicks.Counts{Clicks: 1}
			if v := (visit{click.Code, click.Visitor}); !visitors[v] {
				visitors[v] = true
				counts.Visitors = 1
			}
		}
		for dimension, value := range map[clicks.Dimension]string{
			clicks.Total: "", clicks.Referrer: click.Referrer, clicks.Country: click.Country,
			clicks.Device: click.Device, clicks.Browser: click.Browser,
		} {
			r := row{click.Code, click.Time.Truncate(time.Minute), dimension, value}
			sum := sums[r]
			sum.Add(counts)
			sums[r] = sum
		}
	}
	return sums
}

// mustEqual waits until all clicks are counted and compares every row. Which
// of a visitor's clicks was first depends on which partition was read first,
// so visitors are compared over the rows of a code.
func (c *counting) mustEqual(sent []clicks.Click, within time.Duration) {
	c.t.Helper()
	want := expected(sent)
	var all int64
	for r, counts := range want {
		if r.dimension == clicks.Total {
			all += counts.Clicks + counts.Bots
		}
	}
	testenv.Eventually(c.t, within, "all clicks are counted", func() bool {
		got := c.total(clicks.Total)
		return got.Clicks+got.Bots >= all
	})
	// One window more: what would be counted twice has come by then.
	settled := click("settled", time.Now())
	c.append(settled)
	testenv.Eventually(c.t, within, "the last click is counted", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, ok := c.arrivals[settled.Code]
		return ok
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	wantVisitors, gotVisitors := map[row]int64{}, map[row]int64{}
	for r, counts := range want {
		wantVisitors[row{code: r.code, dimension: clicks.Total}] += map[bool]int64{true: counts.Visitors}[r.dimension == clicks.Total]
		got := c.sums[r]
		if got.Clicks != counts.Clicks || got.Bots != counts.Bots {
			c.t.Errorf("%+v: %d clicks and %d bots, want %d and %d", r, got.Clicks, got.Bots, counts.Clicks, counts.Bots)
		}
	}
	for r, counts := range c.sums {
		if r.code == settled.Code {
			continue
		}
		if _, ok := want[r]; !ok {
			c.t.Errorf("%+v: counted %+v, but nothing was sent", r, counts)
		}
		if r.dimension == clicks.Total {
			gotVisitors[row{code: r.code, dimension: clicks.Total}] += counts.Visitors
		}
	}
	for r, visitors := range wantVisitors {
		if gotVisitors[r] != visitors {
			c.t.Errorf("%s: %d visitors, want %d", r.code, gotVisitors[r], visitors)
		}
	}
}

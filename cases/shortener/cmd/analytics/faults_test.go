package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/clicks"
	"designkits/shared/fault"
	"designkits/shared/testenv"
)

// faults returns the kit's faults. The tests with faults share the backends
// with all others, so none of them runs in parallel with anything, and each
// leaves everything running.
func faults(t *testing.T) *fault.Client {
	t.Helper()
	client, err := fault.Open()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// restart brings a backend back, also after the test has failed or ended.
func restart(t *testing.T, client *fault.Client, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := client.Restart(ctx, name); err != nil {
		t.Fatal(err)
	}
}

// during sends clicks in the background and returns what was sent, once it has.
func (c *counting) during(toSend []clicks.Click, between time.Duration) (sent func() []clicks.Click) {
	done := make(chan []clicks.Click, 1)
	go func() {
		defer close(done) // also where a failure has ended it
		done <- c.send(toSend, between)
	}()
	return func() []clicks.Click {
		c.t.Helper()
		all, ok := <-done
		if !ok {
			c.t.Fatal("not all clicks could be sent")
		}
		return all
	}
}

// halfway waits until some of the clicks are counted, so that a fault comes in
// the middle of the work.
func (c *counting) halfway(n int64) {
	c.t.Helper()
	testenv.Eventually(c.t, 2*time.Minute, "some clicks are counted", func() bool {
		got := c.total(clicks.Total)
		return got.Clicks+got.Bots >= n
	})
}

func TestCountsAreExactWhenTheTaskManagerIsKilled(t *testing.T) {
	kit := faults(t)
	c := startCounting(t)
	c.untilRunning()
	sent := c.during(traffic(5000, 3), 60*time.Millisecond)
	c.halfway(500)
	if err := kit.Kill(t.Context(), "flink/taskmanager"); err != nil {
		t.Fatal(err)
	}
	restart(t, kit, "flink/taskmanager")
	began := time.Now()
	c.mustEqual(sent(), 4*time.Minute)
	t.Logf("exact %s after the TaskManager was back; %+v", time.Since(began).Round(time.Second), c.pipeline.State())
	if restarts := c.pipeline.State().Restarts; restarts != 1 {
		t.Errorf("the job was submitted %d times, want once: Flink recovers it by itself", restarts)
	}
}

func TestCountsAreExactWhenAllOfFlinkIsKilled(t *testing.T) {
	kit := faults(t)
	c := startCounting(t)
	c.untilRunning()
	sent := c.during(traffic(5000, 4), 60*time.Millisecond)
	c.halfway(500)
	if err := kit.Kill(t.Context(), "flink"); err != nil {
		t.Fatal(err)
	}
	restart(t, kit, "flink")
	c.mustEqual(sent(), 4*time.Minute)
	if state := c.pipeline.State(); state.Restarts != 2 {
		t.Errorf("the job was submitted %d times, want twice: the JobManager has forgotten it", state.Restarts)
	}
}

func TestCountsAreExactWhenKafkaIsKilled(t *testing.T) {
	kit := faults(t)
	c := startCounting(t)
	c.untilRunning()
	db, err := cassandra.Open(t.Context(), cassandra.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: c.namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	recorder, err := clicks.NewRecorder(clicks.RecorderConfig{
		Log: c.clicks, Visitors: clicks.NewVisitors(t.Context(), db.Salts()), SpoolDir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- recorder.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	defer func() { _ = stop() }()

	// One person and one bot click every five milliseconds, all the while.
	done := make(chan int64, 1)
	quit := make(chan struct{})
	go func() {
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		for n := int64(0); ; n++ {
			select {
			case <-quit:
				done <- n
				return
			case <-every.C:
				v := clicks.Visit{Code: "kafka01", Time: time.Now(), Address: "192.0.2.1", Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:154.0) Gecko/20100101 Firefox/154.0"}
				recorder.Record(v)
				v.Agent = "curl/8.5.0"
				recorder.Record(v)
			}
		}
	}()
	c.halfway(100)
	if err := kit.Kill(t.Context(), "kafka"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 2*time.Minute, "clicks are kept on disk", func() bool { return recorder.State().Waiting > 200 })
	restart(t, kit, "kafka")
	testenv.Eventually(t, 4*time.Minute, "clicks go straight into the log again", func() bool { return recorder.State().Healthy })
	close(quit)
	n := <-done
	testenv.Eventually(t, 2*time.Minute, "all clicks are in the log", func() bool {
		s := recorder.State()
		return s.Appended+s.Replayed == s.Recorded
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", recorder.State())
	testenv.Eventually(t, 4*time.Minute, "all clicks are counted", func() bool { return c.total(clicks.Total).Clicks >= n && c.total(clicks.Total).Bots >= n })
	settled := click("settled", time.Now())
	c.append(settled)
	testenv.Eventually(t, 2*time.Minute, "the last click is counted", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		last := c.sums[row{settled.Code, settled.Time.Truncate(time.Minute), clicks.Total, ""}]
		return last.Clicks == 1 && last.Visitors == 1
	})
	if got := c.total(clicks.Total); got.Clicks != n+1 || got.Bots != n || got.Visitors != 2 {
		t.Errorf("counted %+v, want %d clicks, %d bots and 2 visitors", got, n+1, n)
	}
}

// Nothing at all is written for a while, as while Kafka is away; then come
// clicks that waited, and newer ones at once.
func TestCountsAreExactAfterTheLogWasQuiet(t *testing.T) {
	const pauses, each, links, visitors = 2, 2000, 7, 50
	c := startCounting(t)
	c.untilRunning()
	for n := range int64(pauses) {
		c.unticked.Store(true)
		<-time.After(7 * time.Second) // the passing of time is what is tested
		var waited []clicks.Click
		for i := range each {
			one := click(fmt.Sprintf("quiet%02d", i%links), time.Now().Add(-time.Duration(each-i)*3*time.Millisecond))
			one.Visitor = fmt.Sprintf("visitor%d", i%visitors)
			waited = append(waited, one)
		}
		c.unticked.Store(n > 0)
		for batch := range slices.Chunk(waited, 500) {
			c.append(batch...)
		}
		c.unticked.Store(false)
		testenv.Eventually(t, 2*time.Minute, "all clicks and visitors are counted", func() bool {
			got := c.total(clicks.Total)
			return got.Clicks == (n+1)*each && got.Visitors == links*visitors
		})
	}
}

func TestNoCountIsLostWhileCassandraIsAway(t *testing.T) {
	kit := faults(t)
	c := &counting{t: t, namespace: testenv.Namespace(t)}
	t.Cleanup(c.cancelJob)
	base, _ := boot(t, c.namespace)
	var err error
	if c.clicks, err = kafka.NewClickLog([]string{testenv.Addr(t, "kafka")}, c.namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.clicks.Close(context.Background()) })
	testenv.Eventually(t, 4*time.Minute, "the stream job runs", func() bool { return pipelineOf(t, base).Job == clicks.JobRunning })
	send := func(n int) {
		for range n {
			c.append(click("cass01", time.Now()))
		}
	}
	send(50)
	testenv.Eventually(t, 2*time.Minute, "clicks are added up", func() bool { return pipelineOf(t, base).Applied > 0 })
	if err := kit.Pause(t.Context(), "cassandra"); err != nil {
		t.Fatal(err)
	}
	resume := sync.OnceValue(func() error { return kit.Resume(context.Background(), "cassandra") })
	defer func() { _ = resume() }()
	send(50)
	testenv.Eventually(t, 2*time.Minute, "the pipeline says that the store is away", func() bool { return pipelineOf(t, base).Store != "" })
	send(50)
	if err := resume(); err != nil {
		t.Fatal(err)
	}
	db, err := cassandra.Open(t.Context(), cassandra.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: c.namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	total := func() clicks.Counts {
		now := time.Now().UTC()
		got, err := db.Stats().Stats(t.Context(), clicks.StatsQuery{Code: "cass01", From: now.Add(-time.Hour), To: now.Add(time.Hour), Granularity: clicks.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return got.Total
	}
	testenv.Eventually(t, 4*time.Minute, "every click is added up", func() bool { return total().Clicks >= 150 })
	if got := total(); got.Clicks != 150 || got.Visitors != 1 {
		t.Errorf("%+v, want 150 clicks of one visitor", got)
	}
}

func TestCountsAreExactWhenTheJobIsGoneWhileNobodyWatches(t *testing.T) {
	c := startCounting(t)
	c.untilRunning()
	first := c.send(traffic(1000, 6), 10*time.Millisecond)
	c.halfway(200)
	c.stopRun()
	c.cancelJob()
	// Positions that are read again after this restart are not counted again
	// by apply, as they aren't by the StatsStore.
	second := c.send(traffic(1000, 7), 10*time.Millisecond)
	c.start()
	c.mustEqual(append(first, second...), 4*time.Minute)
}

func TestWithoutItsCheckpointsTheJobIsRefusedAndSaysWhatToDo(t *testing.T) {
	c := startCounting(t)
	c.untilRunning()
	c.send(traffic(200, 8), 10*time.Millisecond)
	c.halfway(100)
	c.stopRun()
	c.cancelJob()
	dir := filepath.Join(testenv.Data(t, "flink"), "checkpoints", c.namespace)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	c.start()
	testenv.Eventually(t, 4*time.Minute, "the job is refused", func() bool { return c.pipeline.State().Job == clicks.JobRefused })
	if reason := c.pipeline.State().Reason; !strings.Contains(reason, "kit reset shortener") {
		t.Errorf("the reason doesn't say what to type: %s", reason)
	}
}

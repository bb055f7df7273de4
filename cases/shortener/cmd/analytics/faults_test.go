package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"designkits/cases/shortener"
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
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := client.Restart(ctx, name); err != nil {
		t.Fatal(err)
	}
}

// during sends clicks in the background and returns what was sent, once it has.
func (c *counting) during(clicks []shortener.Click, between time.Duration) (sent func() []shortener.Click) {
	done := make(chan []shortener.Click, 1)
	go func() { done <- c.send(clicks, between) }()
	return func() []shortener.Click { return <-done }
}

// halfway waits until some of the clicks are counted, so that a fault comes in
// the middle of the work.
func (c *counting) halfway(n int64) {
	c.t.Helper()
	eventually(c.t, 30*time.Second, "some clicks are counted", func() bool {
		got := c.total(shortener.Total)
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
	c.mustEqual(sent(), 90*time.Second)
	t.Logf("exact %s after the TaskManager was back; %+v", time.Since(began).Round(time.Second), c.pipeline.State())
	if restarts := c.pipeline.State().Restarts; restarts != 1 {
		t.Errorf("the job was submitted %d times, want once: Flink recovers it by itself", restarts)
	}
}

func TestCountsAreExactWhenAllOfFlinkRestarts(t *testing.T) {
	kit := faults(t)
	c := startCounting(t)
	c.untilRunning()
	sent := c.during(traffic(5000, 4), 60*time.Millisecond)
	c.halfway(500)
	restart(t, kit, "flink")
	c.mustEqual(sent(), 90*time.Second)
	if state := c.pipeline.State(); state.Restarts != 2 {
		t.Errorf("the job was submitted %d times, want twice: the JobManager has forgotten it", state.Restarts)
	}
}

func TestCountsAreExactWhenTheJobIsCancelledByHand(t *testing.T) {
	c := startCounting(t)
	c.untilRunning()
	sent := c.during(traffic(5000, 5), 40*time.Millisecond)
	c.halfway(500)
	c.cancelJob()
	c.mustEqual(sent(), 90*time.Second)
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
	c.mustEqual(append(first, second...), 90*time.Second)
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
	eventually(t, 60*time.Second, "the job is refused", func() bool { return c.pipeline.State().Job == shortener.JobRefused })
	if reason := c.pipeline.State().Reason; !strings.Contains(reason, "kit reset shortener") {
		t.Errorf("the reason doesn't say what to type: %s", reason)
	}
}

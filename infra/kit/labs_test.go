package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"designkits/shared/curveball"
)

func TestABenchIsATableAndAVerdict(t *testing.T) {
	c := newCheckout(t)
	wantIn(t, c.kit(0, "bench", "echo", "--list"), "ping", "a PING, against nothing")
	wantIn(t, c.kit(2, "bench", "echo", "nosuch"), "there is no nosuch")
	wantIn(t, c.kit(0, "bench", "echo"), "[UP] redis", "ok    ping  7/s  14/s  0.50  ≥ 0.4 × baseline  (+PONG)")
	c.env = []string{"LAB_HOLDS=no"}
	wantIn(t, c.kit(1, "bench", "echo"), "FAIL  ping")
	c.leavesNoData()
}

func TestACurveballIsAReportAndAVerdict(t *testing.T) {
	c := newCheckout(t)
	wantIn(t, c.kit(0, "curveball", "echo"), "redis-dies", "And then?")
	wantIn(t, c.kit(2, "curveball", "echo", "nosuch"), "there is no nosuch")
	wantIn(t, c.kit(2, "curveball", "echo", "redis-dies", "--all"), "not both")
	wantIn(t, c.kit(0, "curveball", "echo", "redis-dies"), "0.1s fault: redis is killed", "ok   answers: 3, expected answers = 0", "redis-dies: HELD")
	page, err := os.ReadFile(filepath.Join(c.root, ".kit", "reports", "echo-curveballs.html"))
	if err != nil {
		t.Fatal(err)
	}
	wantIn(t, string(page), "Redis dies. And then?")

	c.env = []string{"LAB_HOLDS=no"}
	cmd := c.command("curveball", "echo", "--all", "--json")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it exits %v", err)
	}
	var reports []curveball.Report
	if err := json.Unmarshal(out, &reports); err != nil || len(reports) != 1 || reports[0].Verdict != curveball.DidNotHold {
		t.Errorf("%v: %s", err, out)
	}
	c.leavesNoData()
}

// leavesNoData fails the test when something of a bench's or an experiment's own
// state is still there, but for the logs of those that failed.
func (c *checkout) leavesNoData() {
	c.t.Helper()
	for _, pattern := range []string{"*-*/data", "*-*/run"} {
		if left, _ := filepath.Glob(filepath.Join(c.root, ".kit", pattern)); len(left) > 0 {
			c.t.Errorf("it left %v", left)
		}
	}
}

package bench_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"designkits/shared/bench"
	"designkits/shared/load"
)

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		goal     bench.Goal
		value    float64
		baseline float64
		held     bool
	}{
		{bench.RatioAtLeast(0.75), 75, 100, true},
		{bench.RatioAtLeast(0.75), 74, 100, false},
		{bench.RatioAtMost(1.25), 126, 100, false},
		{bench.AtMost(5), 5, 0, true},
		{bench.AtLeast(5), 4.9, 0, false},
		{bench.None, 1, 0, true},
	} {
		var r bench.Run
		r.Report(bench.Result{Value: c.value, Baseline: c.baseline}, c.goal)
		if got := r.Results[0]; got.Held != c.held {
			t.Errorf("%v of %v: %+v, want held %v", c.value, c.baseline, got, c.held)
		}
	}
}

// served makes a call that takes turns at a server of so many milliseconds.
func served(ms int) load.Call {
	turn := make(chan struct{}, 1)
	return func(ctx context.Context, _, _ int) error {
		turn <- struct{}{}
		defer func() { <-turn }()
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
		case <-ctx.Done():
		}
		return nil
	}
}

func TestASlowCandidateDoesNotReachItsGoal(t *testing.T) { synctest.Test(t, comparesWithASlowOne) }

func comparesWithASlowOne(t *testing.T) {
	r := bench.Run{Quick: true, Progress: func(line string) { t.Log(line) }}
	err := r.Compare(t.Context(), bench.Comparison{
		Name: "slow", Baseline: served(2), Candidate: served(25), Workers: 32, From: 20,
		SLO: load.SLO{P99: 200 * time.Millisecond}, Goal: bench.RatioAtLeast(0.75),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Results[0]; got.Held || got.Ratio > 0.6 {
		t.Errorf("a candidate ten times as slow: %+v", got)
	}
}

func TestResultsAreReplacedByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	f, err := bench.Read(path)
	if err != nil {
		t.Fatalf("a file that isn't there: %v", err)
	}
	f.Update([]bench.Result{{Name: "a", Value: 1}, {Name: "b", Value: 2}})
	f.Update([]bench.Result{{Name: "a", Value: 3}})
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	f, err = bench.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Results) != 2 || f.Results[0].Value != 3 || f.Results[1].Value != 2 || f.Machine == "" || f.Date == "" {
		t.Errorf("%+v", f)
	}
	// What another machine has measured says so, until it is measured here.
	f.Machine = "another"
	f.Update([]bench.Result{{Name: "a", Value: 4}})
	f.Update([]bench.Result{{Name: "a", Value: 5}})
	if a, b := f.Results[0], f.Results[1]; a.Earlier != nil || b.Earlier == nil || b.Earlier.Machine != "another" {
		t.Errorf("a was measured at %+v, b at %+v", a.Earlier, b.Earlier)
	}
	f.Update([]bench.Result{{Name: "b", Value: 6}})
	if f.Results[0].Earlier != nil || f.Results[1].Earlier != nil {
		t.Errorf("%+v", f)
	}
}

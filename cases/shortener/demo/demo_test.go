package demo_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"designkits/cases/shortener/demo"
	"designkits/shared/casetest"
	"designkits/shared/lab"
	"designkits/shared/leaktest"
	"designkits/shared/rig"
)

// small is the journey in a fraction of its time.
func small(t *testing.T, c *rig.Case) demo.Config {
	cfg := demo.Defaults(c.Page)
	cfg.Links, cfg.Rate, cfg.Stream = 600, 100, 8*time.Second
	cfg.Progress = t.Output()
	return cfg
}

func TestTheJourneyHolds(t *testing.T) {
	leaktest.Check(t)
	c := casetest.Start(t)
	t.Run("undisturbed, every count is exact", func(t *testing.T) {
		if err := demo.Run(t.Context(), small(t, c), show(t)); err != nil {
			t.Error(err)
		}
	})
	t.Run("seeds are put in once", func(t *testing.T) {
		for i, want := range []bool{true, false} {
			made, err := demo.Seed(t.Context(), c.Page)
			if err != nil || made > 0 != want {
				t.Errorf("seed %d made %d links, %v", i+1, made, err)
			}
		}
	})
	t.Run("a replica is killed among the clicks, the total lies in its band", func(t *testing.T) {
		disturbed(t, c, func(ctx context.Context) error { return c.Kill(ctx, "api-1") })
	})
}

// disturbed walks the journey with a fault a third of the way into its stream
// of clicks.
func disturbed(t *testing.T, c *rig.Case, inject func(context.Context) error) {
	t.Helper()
	var wg sync.WaitGroup
	defer wg.Wait()
	cfg, report := small(t, c), show(t)
	err := demo.Run(t.Context(), cfg, func(s lab.Step) {
		report(s)
		if s.Step == "delete a link" { // the next one sends the clicks
			wg.Go(func() {
				<-time.After(cfg.Stream / 3)
				if err := inject(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func show(t *testing.T) func(lab.Step) {
	return func(s lab.Step) {
		t.Logf("%-40s %-5v %5d ms  %s", s.Step, s.OK, s.MS, s.Figure)
	}
}

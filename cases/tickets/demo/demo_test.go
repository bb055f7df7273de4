package demo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets/demo"
	"designkits/shared/casetest"
	"designkits/shared/fault/link"
	"designkits/shared/lab"
	"designkits/shared/leaktest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

// small is the journey in the theatre.
func small(t *testing.T, c *rig.Case) demo.Config {
	cfg := demo.Defaults(c.Page)
	cfg.Organiser, cfg.Postgres, cfg.Namespace = c.Lab["ORGANISER_SECRET"], c.Lab["POSTGRES"], c.Lab["NAMESPACE"]
	cfg.Provider, cfg.ProviderKey = c.Lab["PROVIDER"], c.Lab["PROVIDER_KEY"]
	cfg.Venue, cfg.Fans, cfg.Bots, cfg.Patience = "theatre", 300, 50, 4*time.Minute
	return cfg
}

func TestAWholeSale(t *testing.T) {
	leaktest.Check(t)
	via := map[string]string{}
	ways := map[string]*link.Link{}
	for _, backend := range []string{"redis", "postgres"} {
		way, err := link.Open(testenv.Addr(t, backend))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(way.Close)
		ways[backend], via[backend] = way, way.Addr()
	}
	c := casetest.Start(t, rig.Options{Via: via})
	t.Run("everything fails in the middle, and the books agree", func(t *testing.T) {
		cfg := small(t, c)
		cfg.Postgres = testenv.Addr(t, "postgres")
		kill := func(name string) func(context.Context) error {
			return func(ctx context.Context) error { return c.Kill(ctx, name) }
		}
		cfg.Faults = []demo.Fault{
			{Name: "kill -9 a booking replica", Strike: kill("booking-1")},
			{Name: "kill -9 the worker", Strike: kill("worker")},
			{Name: "cut Redis off", Strike: cut(ways["redis"])},
			{Name: "cut PostgreSQL off", Strike: cut(ways["postgres"])},
		}
		if err := demo.Run(t.Context(), cfg, show(t)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a sale is seeded once", func(t *testing.T) {
		for i, want := range []bool{true, false} {
			sold, err := demo.Seed(t.Context(), c.Page)
			if err != nil || sold > 0 != want {
				t.Errorf("seed %d sold %d seats, %v", i+1, sold, err)
			}
		}
	})
	t.Run("a ticket that nobody paid for doesn't hold", func(t *testing.T) {
		cfg := small(t, c)
		cfg.Fans, cfg.Bots, cfg.EndWithin = 40, 0, 3*time.Second
		var failed lab.Step
		err := demo.Run(t.Context(), cfg, func(s lab.Step) {
			show(t)(s)
			if s.Step == "settle every order" {
				forge(t, cfg)
			}
			if !s.OK {
				failed = s
			}
		})
		if !errors.Is(err, lab.ErrFailed) || !strings.HasPrefix(failed.Step, "audit") || !strings.Contains(failed.Figure, "isn't to have it") {
			t.Errorf("%v: %+v", err, failed)
		}
	})
}

// cut cuts a backend off for a second.
func cut(way *link.Link) func(context.Context) error {
	return func(context.Context) error {
		way.Cut()
		<-time.After(time.Second)
		return way.Mend()
	}
}

func show(t *testing.T) func(lab.Step) {
	return func(s lab.Step) {
		t.Logf("%-40s %-5v %5d ms  %s", s.Step, s.OK, s.MS, s.Figure)
	}
}

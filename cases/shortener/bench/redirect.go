package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	harness "designkits/shared/bench"
	"designkits/shared/load"
)

var redirectHit = harness.Bench{
	Name:  "redirect-hit",
	About: "redirect, held in process, against a bare handler with a constant 302",
	Run: func(ctx context.Context, r *harness.Run) error {
		return redirects(ctx, r, harness.Comparison{Name: "redirect-hit", From: 8000, SLO: fast, Goal: harness.RatioAtLeast(0.75)},
			"/constant", 1000, map[string]string{"RECORD_CLICKS": "off"})
	},
}

// The breaker is off in this bench and the next: the search for the limit goes
// over it, and then an open breaker would lead another way for half a minute.
var redirectRedis = harness.Bench{
	Name:  "redirect-redis",
	About: "redirect, held in Redis, against a bare handler with one Redis GET",
	Run: func(ctx context.Context, r *harness.Run) error {
		return redirects(ctx, r, harness.Comparison{Name: "redirect-redis", From: 4000, SLO: fast, Goal: harness.RatioAtLeast(0.75)},
			"/redis", 20_000, map[string]string{"RECORD_CLICKS": "off", "CACHE_BYTES": "1", "BREAKER": "off"})
	},
}

var redirectCold = harness.Bench{
	Name:  "redirect-cold",
	About: "redirect, held nowhere, against a bare handler with one Cassandra SELECT",
	Run: func(ctx context.Context, r *harness.Run) error {
		return redirects(ctx, r, harness.Comparison{Name: "redirect-cold", From: 2000, SLO: paused, Goal: harness.RatioAtLeast(0.7)},
			"/cassandra", 20_000, nothingHeld)
	},
}

// nothingHeld are the settings under which every redirect goes to the store.
var nothingHeld = map[string]string{"RECORD_CLICKS": "off", "CACHE_BYTES": "1", "BREAKER": "off", "SHARED_FOR": "1ms"}

// redirects compares the api, in some state of its caches, with a bare handler.
func redirects(ctx context.Context, r *harness.Run, c harness.Comparison, baseline string, links int, settings map[string]string) (err error) {
	base, err := bare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.stop()) }()
	ours, paths, err := api(ctx, settings, links)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.stop()) }()
	c.Workers = workers
	c.Baseline = follow(base.addr, []string{baseline}, http.StatusFound)
	c.Candidate = follow(ours.addr, paths, http.StatusFound)
	return r.Compare(ctx, c)
}

var redirectRecorded = harness.Bench{
	Name:  "redirect-recorded",
	About: "redirect with its click recorded, against the same without",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		calls := map[string]load.Call{}
		for _, record := range []string{"on", "off"} {
			s, paths, err := api(ctx, map[string]string{"RECORD_CLICKS": record}, 1000)
			if err != nil {
				return fmt.Errorf("recording %s: %w", record, err)
			}
			defer func() { err = errors.Join(err, s.stop()) }()
			calls[record] = follow(s.addr, paths, http.StatusFound)
		}
		return r.Compare(ctx, harness.Comparison{
			Name: "redirect-recorded", From: 8000, Workers: workers, SLO: fast, Goal: harness.RatioAtLeast(0.85), P99: 1.25,
			Baseline: calls["off"], Candidate: calls["on"],
		})
	},
}

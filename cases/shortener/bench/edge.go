package bench

import (
	"context"
	"fmt"
	"net/http"
	"time"

	harness "designkits/shared/bench"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// edgeSettings let the edge answer by itself.
var edgeSettings = map[string]string{"EDGE_CACHE_FOR": "1m", "EDGE": "http://${nginx}"}

var edgeCache = harness.Bench{
	Name:  "edge",
	About: "redirects through an edge that keeps them, against one that doesn't: throughput, share answered, clicks counted",
	Run: func(ctx context.Context, r *harness.Run) error {
		const links = 2000
		sides := map[string]load.Call{}
		var keeping *rig.Case
		for name, settings := range map[string]map[string]string{"keeps": edgeSettings, "passes": nil} {
			c, err := rig.Start(ctx, rig.Options{Only: []string{"api"}, Edge: true, Env: with(settings)})
			if err != nil {
				return err
			}
			defer func() { _ = c.Stop(context.WithoutCancel(ctx)) }() // what it would say is in the logs
			user, err := open(ctx, c.Page)
			if err != nil {
				return err
			}
			defer user.Close()
			paths, err := makeLinks(ctx, user, links)
			if err != nil {
				return err
			}
			if name == "keeps" {
				keeping = c
			}
			sides[name] = follow(c.Addr("nginx"), popular(paths, 1<<16), http.StatusFound)
		}
		if err := answeredByEdge(ctx, r, keeping, sides["keeps"]); err != nil {
			return err
		}
		return r.Compare(ctx, harness.Comparison{
			Name: "edge-throughput", From: 2000, Workers: workers, Rounds: 1, SLO: fast, Goal: harness.RatioAtLeast(1),
			Baseline: sides["passes"], Candidate: sides["keeps"],
		})
	},
}

// popular repeats paths by Zipf's law with exponent 1.
func popular(paths []string, n int) []string {
	draw := zipf(len(paths), 1)
	asked := make([]string, n)
	for i := range asked {
		asked[i] = paths[draw()]
	}
	return asked
}

// answeredByEdge sends a load that nothing finds hard, and reports which share
// of it the replicas didn't see, and which share of the clicks they counted.
func answeredByEdge(ctx context.Context, r *harness.Run, c *rig.Case, call load.Call) error {
	count := func(metric string, labels ...string) (sum float64, err error) {
		for _, replica := range []string{"api-1", "api-2"} {
			v, err := c.Metric(ctx, replica, metric, labels...)
			if err != nil {
				return 0, err
			}
			sum += v
		}
		return sum, nil
	}
	result, err := load.Run(ctx, load.Plan{Rate: 1000, For: r.For(20 * time.Second), Workers: workers}, call)
	if err != nil {
		return err
	}
	if result.Failed > 0 {
		return fmt.Errorf("%d redirects failed: %v", result.Failed, result.Errors)
	}
	asked, err := count("shortener_redirect_seconds", "outcome", "followed")
	if err != nil {
		return err
	}
	counted, err := count("shortener_clicks_recorded_total")
	if err != nil {
		return err
	}
	sent := float64(result.OK)
	r.Report(harness.Result{
		Name: "edge-hit-ratio", Value: 100 * (1 - asked/sent), Unit: "%",
		Note: fmt.Sprintf("%.0f redirects over 2,000 links by Zipf's law, %.0f reached a replica", sent, asked),
	}, harness.None)
	r.Report(harness.Result{
		Name: "edge-clicks-counted", Value: 100 * counted / sent, Unit: "%", Note: "the edge's log comes by UDP",
	}, harness.AtLeast(99))
	return nil
}

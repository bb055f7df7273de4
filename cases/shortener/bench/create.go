package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	harness "designkits/shared/bench"
	"designkits/shared/load"
)

var create = harness.Bench{
	Name:  "create",
	About: "POST /api/links, against a bare handler with one Cassandra INSERT",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		base, err := bare(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, base.stop()) }()
		ours, _, err := api(ctx, nil, 0)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, ours.stop()) }()
		return r.Compare(ctx, harness.Comparison{
			Name: "create", From: 400, Workers: workers, SLO: paused, Goal: harness.RatioAtLeast(0.8),
			Baseline: makeLink(base.addr, "/insert", ""), Candidate: makeLink(ours.addr, "/api/links", ours.key),
		})
	},
}

// makeLink is a load of new links, by one owner from many addresses.
func makeLink(addr, path, key string) load.Call {
	return load.HTTP(addr, workers, func(n int) load.Request {
		return load.Request{Method: http.MethodPost, Path: path, Header: [][2]string{
			{"Content-Type", "application/json"}, {"Authorization", "Bearer " + key}, {"X-Forwarded-For", visitor(n)},
		}, Body: fmt.Appendf(nil, `{"target":"https://www.postgresql.org/docs/15/sql-select.html?%d"}`, n)}
	}, load.Status(http.StatusCreated))
}

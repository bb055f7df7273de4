package bench

import (
	"context"
	"net/http"

	harness "designkits/shared/bench"
	"designkits/shared/load"
)

// stores runs both link stores behind the same api. The figures say little of
// DynamoDB, whose local form is one process over SQLite; they say that the
// interface hides nothing that matters.
var stores = harness.Bench{
	Name:  "stores",
	About: "links made and read in DynamoDB Local, against the same in Cassandra",
	Needs: []string{"dynamodb"},
	Run: func(ctx context.Context, r *harness.Run) error {
		made, read := map[string]load.Call{}, map[string]load.Call{}
		for store, settings := range map[string]map[string]string{
			"cassandra": {},
			"dynamodb":  {"STORE": "dynamodb", "DYNAMODB": "${dynamodb}"},
		} {
			for key, value := range nothingHeld {
				settings[key] = value
			}
			s, paths, err := api(ctx, settings, 1000)
			if err != nil {
				return err
			}
			defer func() { _ = s.stop() }() // what it would say is in its log
			made[store] = makeLink(s.addr, "/api/links", s.key)
			read[store] = follow(s.addr, paths, http.StatusFound)
		}
		for name, calls := range map[string]map[string]load.Call{"store-create": made, "store-read": read} {
			err := r.Compare(ctx, harness.Comparison{
				Name: name, From: 50, Workers: workers, Rounds: 1, SLO: paused, Goal: harness.None,
				Baseline: calls["cassandra"], Candidate: calls["dynamodb"],
			})
			if err != nil {
				return err
			}
		}
		return nil
	},
}

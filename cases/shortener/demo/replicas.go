package demo

import (
	"context"
	"designkits/cases/shortener/client"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// asks is how often the edge is asked who answers: it deals requests out in
// turn, so every replica is heard several times.
const asks = 12

// replicas returns when each replica that answers was started.
func replicas(ctx context.Context, c *client.Client) (map[string]time.Time, error) {
	started := map[string]time.Time{}
	for range asks {
		var s struct {
			Replica string    `json:"replica"`
			Started time.Time `json:"started"`
		}
		if err := c.Do(ctx, http.MethodGet, "/api/system", nil, &s); err != nil {
			return nil, fmt.Errorf("ask who answers: %w", err)
		}
		started[s.Replica] = s.Started
	}
	return started, nil
}

// changed says that a replica has died or was started meanwhile.
func changed(before, after map[string]time.Time) bool {
	return !maps.EqualFunc(before, after, time.Time.Equal)
}

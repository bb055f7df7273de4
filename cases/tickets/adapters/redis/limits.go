package redis

import (
	"context"
	"time"

	"designkits/cases/tickets/bots"
)

// Limits is bots.Limits. What is counted and spent expires by itself.
type Limits struct{ client *Client }

// Limits returns the counts that all gates share.
func (c *Client) Limits() *Limits { return &Limits{c} }

var _ bots.Limits = (*Limits)(nil)

// Count implements bots.Limits.
func (l *Limits) Count(ctx context.Context, window time.Duration, keys ...string) ([]int, error) {
	return l.client.redis.Count(ctx, l.client.namespace, window, keys...)
}

// Spend implements bots.Limits.
func (l *Limits) Spend(ctx context.Context, id string, d time.Duration) (bool, error) {
	return l.client.redis.Spend(ctx, l.client.namespace, id, d)
}

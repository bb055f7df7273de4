package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"designkits/cases/tickets/bots"
)

// Limits is bots.Limits. What is counted and spent expires by itself.
type Limits struct{ client *Client }

// Limits returns the counts that all gates share.
func (c *Client) Limits() *Limits { return &Limits{c} }

var _ bots.Limits = (*Limits)(nil)

//go:embed count.lua
var countSource string

var countScript = redis.NewScript(countSource)

// Count implements bots.Limits.
func (l *Limits) Count(ctx context.Context, window time.Duration, keys ...string) ([]int, error) {
	named := make([]string, len(keys))
	for i, key := range keys {
		named[i] = l.client.namespace + ":{tries}:" + key
	}
	answer, err := l.client.script(ctx, countScript, named, window.Milliseconds()).Int64Slice()
	if err != nil {
		return nil, fmt.Errorf("redis: count %q: %w", keys, err)
	}
	if len(answer) != len(keys) {
		return nil, fmt.Errorf("redis: count %q: the script returned %d values", keys, len(answer))
	}
	counts := make([]int, len(answer))
	for i, n := range answer {
		counts[i] = int(n)
	}
	return counts, nil
}

// Spend implements bots.Limits.
func (l *Limits) Spend(ctx context.Context, id string, d time.Duration) (bool, error) {
	err := l.client.redis.SetArgs(ctx, l.client.namespace+":spent:"+id, 1, redis.SetArgs{Mode: "NX", TTL: max(d, time.Millisecond)}).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("redis: spend a proof: %w", err)
	}
	return true, nil
}

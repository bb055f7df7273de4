package redis

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"designkits/cases/tickets/bots"
)

// Limits is bots.Limits. What is counted and spent expires by itself.
//
// The counts of a window stand in 256 tables, each thing in one of them by its
// hash: a key for each count would take three times the memory, and each would
// have to be told when it ends, which is also written to Redis's log.
type Limits struct{ client *Client }

// Limits returns the counts that all gates share.
func (c *Client) Limits() *Limits { return &Limits{c} }

var _ bots.Limits = (*Limits)(nil)

//go:embed count.lua
var countSource string

var countScript = redis.NewScript(countSource)

// Count implements bots.Limits. Which window it is, this process's clock says:
// one that is off counts into another window for as long as it is off.
func (l *Limits) Count(ctx context.Context, window time.Duration, keys ...string) ([]int, error) {
	now := time.Now()
	number := now.UnixNano() / int64(window)
	tables := make([]string, 0, 2*len(keys))
	args := make([]any, 2, 2+len(keys))
	for _, key := range keys {
		sum := sha256.Sum256([]byte(key))
		tables = append(tables, l.table(sum[0], number), l.table(sum[0], number-1))
		args = append(args, string(sum[1:9]))
	}
	part := 1 - float64(now.UnixNano()%int64(window))/float64(window)
	args[0], args[1] = part, 2*window.Milliseconds()
	answer, err := l.client.script(ctx, countScript, tables, args...).Int64Slice()
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

func (l *Limits) table(shard byte, window int64) string {
	return l.client.namespace + ":{tries}:" + strconv.FormatInt(window, 10) + ":" + strconv.Itoa(int(shard))
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

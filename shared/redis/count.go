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
)

//go:embed count.lua
var countSource string

var countScript = redis.NewScript(countSource)

// Count adds one to each of the keys, below the namespace, and returns how many
// there were of each in the window that ends now, this one included. It may be
// off by what a sliding count over two fixed windows is off: the window before is
// taken to have been even. Which window it is, this process's clock says: one
// that is off counts into another window for as long as it is off. After an error
// it may have counted. What is counted expires by itself.
//
// The counts of a window stand in 256 tables, each thing in one of them by its
// hash: a key for each count would take three times the memory.
func (c *Client) Count(ctx context.Context, namespace string, window time.Duration, keys ...string) ([]int, error) {
	now := time.Now()
	number := now.UnixNano() / int64(window)
	tables := make([]string, 0, 2*len(keys))
	args := make([]any, 2, 2+len(keys))
	for _, key := range keys {
		sum := sha256.Sum256([]byte(key))
		for _, n := range []int64{number, number - 1} {
			tables = append(tables, namespace+":{tries}:"+window.String()+":"+strconv.FormatInt(n, 10)+":"+strconv.Itoa(int(sum[0])))
		}
		args = append(args, string(sum[1:9]))
	}
	args[0], args[1] = 1-float64(now.UnixNano()%int64(window))/float64(window), 2*window.Milliseconds()
	answer, err := c.Script(ctx, countScript, tables, args...).Int64Slice()
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

// Spend marks something as used for a while, and reports whether it was the first
// to. After an error it may have been.
func (c *Client) Spend(ctx context.Context, namespace, id string, d time.Duration) (first bool, err error) {
	err = c.SetArgs(ctx, namespace+":spent:"+id, 1, redis.SetArgs{Mode: "NX", TTL: max(d, time.Millisecond)}).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("redis: spend %.12s…: %w", id, err)
	}
	return true, nil
}

package redis

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed count.lua
var countSource string

var countScript = redis.NewScript(countSource)

// A tally is what one caller counts, and what comes of it.
type tally struct {
	of     window
	keys   []string
	counts []int
	err    error
}

// A window is what tallies that are counted by one call have in common.
type window struct {
	namespace string
	length    time.Duration
}

// tallies is how many are counted by one call of the script: Redis does nothing
// else meanwhile.
const tallies = 64

// Count adds one to each of the keys, below the namespace, and returns how many
// there were of each in the window that ends now, this one included. It may be
// off by what a sliding count over two fixed windows is off: the window before is
// taken to have been even. Which window it is, this process's clock says: one
// that is off counts into another window for as long as it is off. After an error
// it may have counted. What is counted expires by itself.
//
// The counts of a window stand in one table, each under the hash of its key: a key
// of Redis for each would take three times the memory. What many ask to count at the
// same moment is counted by one call of the script, with one read and one write: a
// command for each cost Redis more than to count, and its append-only file three
// times the bytes. When a table ends it is large, and Redis must give it back beside
// the commands (lazyfree-lazy-expire).
func (c *Client) Count(ctx context.Context, namespace string, length time.Duration, keys ...string) ([]int, error) {
	t := &tally{of: window{namespace, length}, keys: keys}
	err := c.counting.Do(ctx, t)
	if err == nil { // else the tally must not be looked at
		err = t.err
	}
	if err != nil {
		return nil, fmt.Errorf("redis: count %q: %w", keys, err)
	}
	return t.counts, nil
}

// count counts for many callers. What fails, fails for those of one window.
func (c *Client) count(ctx context.Context, batch []*tally) error {
	together := map[window][]*tally{}
	for _, t := range batch {
		together[t.of] = append(together[t.of], t)
	}
	for of, some := range together {
		counts, err := c.countIn(ctx, of, some)
		for _, t := range some {
			if t.err = err; err == nil {
				t.counts, counts = counts[:len(t.keys):len(t.keys)], counts[len(t.keys):]
			}
		}
	}
	return nil
}

// countIn counts in one window, and returns the counts of all keys in their order.
func (c *Client) countIn(ctx context.Context, of window, batch []*tally) ([]int, error) {
	now := time.Now().UnixNano()
	number := now / int64(of.length)
	args := []any{1 - float64(now%int64(of.length))/float64(of.length), 2 * of.length.Milliseconds()}
	const before = 2 // the names
	for _, t := range batch {
		for _, key := range t.keys {
			sum := sha256.Sum256([]byte(key))
			args = append(args, string(sum[:8]))
		}
	}
	answer, err := countScript.Run(ctx, c.Client, []string{of.table(number), of.table(number - 1)}, args...).Int64Slice()
	if err != nil {
		return nil, err
	}
	if len(answer) != len(args)-before {
		return nil, fmt.Errorf("the script returned %d values for %d", len(answer), len(args)-before)
	}
	counts := make([]int, len(answer))
	for i, n := range answer {
		counts[i] = int(n)
	}
	return counts, nil
}

// table is the name of the table of one window.
func (w window) table(number int64) string {
	return fmt.Sprintf("%s:{tries}:%s:%d", w.namespace, w.length, number)
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

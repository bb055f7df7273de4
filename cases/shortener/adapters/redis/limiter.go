package redis

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/gather"

	"github.com/redis/go-redis/v9"
)

// A Limiter is shortener.Limiter for all replicas together. One script charges
// all buckets of a call; their keys must differ.
//
// What is charged to the same buckets at the same moment, as the many requests
// of one busy key are, is charged by one call of the script, and one by one only
// where there is too little for all.
type Limiter struct{ client *Client }

// Limiter returns the shared limiter.
func (c *Client) Limiter() *Limiter { return &Limiter{c} }

//go:embed take.lua
var takeSource string

var takeScript = redis.NewScript(takeSource)

// A charge is one call of Take, and what became of it.
type charge struct {
	buckets []shortener.Bucket
	verdict shortener.Verdict
	err     error
}

// Take implements shortener.Limiter.
func (l *Limiter) Take(ctx context.Context, buckets ...shortener.Bucket) (shortener.Verdict, error) {
	c := &charge{buckets: buckets}
	if err := l.client.charges.Do(ctx, c); err != nil { // the context's, and then c must not be looked at
		return shortener.Verdict{}, fmt.Errorf("redis: charge %q: %w", buckets[0].Key, err)
	}
	return c.verdict, c.err
}

// chargesEvery is the pace of charges. Each trip costs this process and Redis as much as
// a twelfth of a new link costs all together; and a link waits for the disk for longer.
const chargesEvery = 5 * time.Millisecond

// gatherCharges charges what many callers want at once.
func (c *Client) gatherCharges() *gather.Gatherer[*charge] {
	return gather.New(gather.Config[*charge]{Every: chargesEvery, Send: func(ctx context.Context, batch []*charge) error {
		groups := alike(batch)
		var alone [][]*charge
		for i, allowed := range c.take(ctx, groups) {
			if !allowed && len(groups[i]) > 1 {
				for j := range groups[i] {
					alone = append(alone, groups[i][j:j+1])
				}
			}
		}
		if len(alone) > 0 {
			c.take(ctx, alone)
		}
		return nil // each charge has its own error
	}})
}

// alike returns the charges by what they take, in the order of their coming.
func alike(batch []*charge) (groups [][]*charge) {
	for _, c := range batch {
		i := slices.IndexFunc(groups, func(g []*charge) bool { return slices.Equal(g[0].buckets, c.buckets) })
		if i < 0 {
			i, groups = len(groups), append(groups, nil)
		}
		groups[i] = append(groups[i], c)
	}
	return groups
}

// take makes one call of the script for each group, all in one round trip, and
// reports which were allowed. The members of a group take the same; each learns
// what is left as if they had come one after the other.
func (c *Client) take(ctx context.Context, groups [][]*charge) (allowed []bool) {
	calls := make([]*redis.Cmd, len(groups))
	pipe := c.redis.Pipeline()
	for i, group := range groups {
		keys, args := c.takes(group)
		calls[i] = takeScript.EvalSha(ctx, pipe, keys, args...)
	}
	_, _ = pipe.Exec(ctx) // each call has its own error
	allowed = make([]bool, len(groups))
	for i, group := range groups {
		if redis.HasErrorPrefix(calls[i].Err(), "NOSCRIPT") { // the first call since Redis began
			keys, args := c.takes(group)
			calls[i] = takeScript.Eval(ctx, c.redis, keys, args...)
		}
		left, err := leftOf(calls[i], len(group[0].buckets))
		if allowed[i] = err == nil && left.allowed; !allowed[i] && err == nil && len(group) > 1 {
			continue // they are charged one by one
		}
		for n, member := range group {
			member.verdict, member.err = left.verdict(member.buckets, len(group)-1-n), err
		}
	}
	return allowed
}

// takes are the keys and arguments of the script for a group.
func (c *Client) takes(group []*charge) (keys []string, args []any) {
	for _, b := range group[0].buckets {
		keys = append(keys, c.key("limit", b.Key))
		args = append(args, b.Burst, b.Refill, b.Cost*len(group))
	}
	return keys, args
}

// A taken is the script's answer: what is left in each bucket.
type taken struct {
	allowed bool
	tokens  []float64
}

func leftOf(call *redis.Cmd, buckets int) (t taken, err error) {
	answer, err := call.Slice()
	if err != nil {
		return taken{}, fmt.Errorf("redis: charge: %w", err)
	}
	if len(answer) != 1+buckets {
		return taken{}, fmt.Errorf("redis: charge: the script returned %d values, not %d", len(answer), 1+buckets)
	}
	t = taken{allowed: answer[0] == int64(1), tokens: make([]float64, buckets)}
	for i := range t.tokens {
		text, _ := answer[i+1].(string)
		if t.tokens[i], err = strconv.ParseFloat(text, 64); err != nil {
			return taken{}, fmt.Errorf("redis: charge: the script returned %v", answer)
		}
	}
	return t, nil
}

// verdict is that of a charge after which so many more were made of the same.
func (t taken) verdict(buckets []shortener.Bucket, later int) shortener.Verdict {
	if t.tokens == nil {
		return shortener.Verdict{}
	}
	tokens := make([]float64, len(buckets))
	for i, b := range buckets {
		tokens[i] = t.tokens[i] + float64(later*b.Cost)
	}
	return shortener.Judge(t.allowed, buckets, tokens)
}

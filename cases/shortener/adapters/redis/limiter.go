package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"

	"designkits/cases/shortener"

	"github.com/redis/go-redis/v9"
)

// A Limiter is shortener.Limiter for all replicas together. One script charges
// all buckets of a call; their keys must differ.
type Limiter struct{ client *Client }

// Limiter returns the shared limiter.
func (c *Client) Limiter() *Limiter { return &Limiter{c} }

//go:embed take.lua
var takeSource string

var takeScript = redis.NewScript(takeSource)

// Take implements shortener.Limiter.
func (l *Limiter) Take(ctx context.Context, buckets ...shortener.Bucket) (shortener.Verdict, error) {
	keys, args := make([]string, len(buckets)), make([]any, 0, 3*len(buckets))
	for i, b := range buckets {
		keys[i] = l.client.key("limit", b.Key)
		args = append(args, b.Burst, b.Refill, b.Cost)
	}
	answer, err := l.client.script(ctx, takeScript, keys, args...).Slice()
	if err != nil {
		return shortener.Verdict{}, fmt.Errorf("redis: charge %q: %w", keys, err)
	}
	if len(answer) != 1+len(buckets) {
		return shortener.Verdict{}, fmt.Errorf("redis: charge %q: the script returned %d values, not %d", keys, len(answer), 1+len(buckets))
	}
	tokens := make([]float64, len(buckets))
	for i := range tokens {
		text, _ := answer[i+1].(string)
		if tokens[i], err = strconv.ParseFloat(text, 64); err != nil {
			return shortener.Verdict{}, fmt.Errorf("redis: charge %q: the script returned %v", keys, answer)
		}
	}
	return shortener.Judge(answer[0] == int64(1), buckets, tokens), nil
}

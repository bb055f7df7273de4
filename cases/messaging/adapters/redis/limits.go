package redis

import (
	"context"
	"time"
)

// Count adds one to each key and returns how many there were of each in the window
// that ends now, this one included.
func (c *Client) Count(ctx context.Context, window time.Duration, keys ...string) ([]int, error) {
	return c.redis.Count(ctx, c.namespace, window, keys...)
}

// Spend marks a resume token as used, and reports whether it was the first to.
// After an error it may have been.
func (c *Client) Spend(ctx context.Context, once string, until time.Time) (first bool, err error) {
	return c.redis.Spend(ctx, c.namespace, once, time.Until(until))
}

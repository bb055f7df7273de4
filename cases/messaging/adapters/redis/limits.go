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

package redis

import (
	"context"
	"fmt"

	"designkits/cases/shortener"
)

var (
	_ shortener.Eraser = (*Changes)(nil)
	_ shortener.Eraser = (*Limiter)(nil)
)

// EraseOwner takes the announcements of the owner's links out of the stream.
// Followers that miss one read what they hold again.
func (c *Changes) EraseOwner(ctx context.Context, owner shortener.Owner) error {
	for from := "-"; ; {
		changes, err := c.client.redis.XRangeN(ctx, c.stream(), from, "+", changesBatch).Result()
		if err != nil {
			return fmt.Errorf("redis: erase the changes of %s: %w", owner, err)
		}
		var theirs []string
		for _, change := range changes {
			value, _ := change.Values["entry"].(string)
			if e, err := decode(value); err == nil && e.Link.Owner == owner {
				theirs = append(theirs, change.ID)
			}
		}
		if len(theirs) > 0 {
			if err := c.client.redis.XDel(ctx, c.stream(), theirs...).Err(); err != nil {
				return fmt.Errorf("redis: erase the changes of %s: %w", owner, err)
			}
		}
		if len(changes) < changesBatch {
			return nil
		}
		from = "(" + changes[len(changes)-1].ID
	}
}

// EraseOwner removes the buckets of the owner's key.
func (l *Limiter) EraseOwner(ctx context.Context, owner shortener.Owner) error {
	var keys []string
	for _, bucket := range shortener.BucketsOf(owner) {
		keys = append(keys, l.client.key("limit", bucket))
	}
	if err := l.client.redis.Del(ctx, keys...).Err(); err != nil {
		return fmt.Errorf("redis: erase the limits of %s: %w", owner, err)
	}
	return nil
}

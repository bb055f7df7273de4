// Package pause waits for a while, or until there is no use in it any more.
package pause

import (
	"context"
	"time"
)

// For waits, and reports false when ctx ended first.
func For(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

package session

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/singleflight"

	"designkits/cases/messaging"
)

// Together is a History of which many who ask for the same at the same time ask once:
// all who are told that a large conversation has grown, within a moment, for one page
// of one partition. Nothing is remembered, so that a body which was taken away comes
// to nobody who asks afterwards.
type Together struct {
	messaging.History
	// Alone has each ask for itself: the design that is rejected, kept so that it can
	// be seen what it costs.
	Alone bool
	// Reads is how many pages were read from below.
	Reads atomic.Int64

	asked singleflight.Group
}

// Range implements messaging.History. What it returns is shared, and must not be
// changed.
func (h *Together) Range(ctx context.Context, c messaging.ConversationID, from, to messaging.Seq, limit int) ([]messaging.Message, error) {
	read := func(ctx context.Context) ([]messaging.Message, error) {
		h.Reads.Add(1)
		return h.History.Range(ctx, c, from, to, limit)
	}
	if h.Alone {
		return read(ctx)
	}
	shared := h.asked.DoChan(fmt.Sprint(c, " ", from, " ", to, " ", limit), func() (any, error) {
		// Not with this caller's end: others wait for the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), doWithin)
		defer cancel()
		return read(ctx)
	})
	select {
	case done := <-shared:
		if done.Err != nil {
			return nil, done.Err
		}
		return done.Val.([]messaging.Message), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

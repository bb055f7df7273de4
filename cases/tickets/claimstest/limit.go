package claimstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"designkits/cases/tickets"
)

// limited has an account claim ten seats, each alone and all at once, of which it
// may hold three.
func limited(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 10)
	if err != nil {
		return err
	}
	claim := func(d time.Duration, seats ...tickets.SeatID) tickets.Claim {
		c := h.claim("ann", d, seats...)
		c.AtMost = 3
		return c
	}
	granted, err := h.allAtOnce(ctx, claim)
	if err != nil {
		return err
	}
	if len(granted) != 3 {
		return fmt.Errorf("%d seats are held, want 3", len(granted))
	}
	// Repeating one that was granted is no fourth.
	again := claim(long, granted[0].Seats...)
	again.Hold = granted[0].Hold
	if _, err := h.Hold(ctx, again); err != nil {
		return fmt.Errorf("repeated: %w", err)
	}
	// Another account has a limit of its own.
	if _, err := h.hold(ctx, "bob", long, h.free(granted)...); err != nil {
		return fmt.Errorf("another account: %w", err)
	}
	// What is let go, sold or over doesn't count.
	if err := h.Release(ctx, granted[0]); err != nil {
		return err
	}
	if err := h.Confirm(ctx, granted[1], "o"); err != nil {
		return err
	}
	short, err := h.Hold(ctx, claim(100*time.Millisecond, granted[0].Seats...))
	if err != nil {
		return fmt.Errorf("after one was let go: %w", err)
	}
	if err := wait(ctx, short); err != nil {
		return err
	}
	if _, err := h.Hold(ctx, claim(long, granted[0].Seats...)); err != nil {
		return fmt.Errorf("after one was over: %w", err)
	}
	return nil
}

// allAtOnce claims every seat of the hall by itself, and returns what was granted.
// What wasn't must have been refused for the account's limit.
func (h *hall) allAtOnce(ctx context.Context, claim func(time.Duration, ...tickets.SeatID) tickets.Claim) ([]tickets.Grant, error) {
	var mu sync.Mutex
	var granted []tickets.Grant
	var failed error
	var all sync.WaitGroup
	for _, seat := range h.seats {
		all.Go(func() {
			g, err := h.Hold(ctx, claim(long, seat))
			mu.Lock()
			defer mu.Unlock()
			if over, ok := errors.AsType[*tickets.OverLimit](err); ok && over.Limit == 3 && over.Has == 3 {
				return
			}
			if err != nil {
				failed = errors.Join(failed, err)
				return
			}
			granted = append(granted, g)
		})
	}
	all.Wait()
	return granted, failed
}

// free are the hall's seats but those of the grants.
func (h *hall) free(grants []tickets.Grant) []tickets.SeatID {
	var free []tickets.SeatID
	for _, seat := range h.seats {
		held := false
		for _, g := range grants {
			held = held || g.Seats[0] == seat
		}
		if !held {
			free = append(free, seat)
		}
	}
	return free
}

package claimstest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
)

// oneOfMany repeats the race, for a wrong strategy may be lucky once.
func oneOfMany(ctx context.Context, open Open) error {
	const races, callers = 20, 32
	h, err := openHall(ctx, open, races)
	if err != nil {
		return err
	}
	for _, seat := range h.seats {
		var granted sync.Map
		start := make(chan struct{})
		var all errgroup.Group
		for n := range callers {
			all.Go(func() error {
				<-start
				g, err := h.hold(ctx, fmt.Sprint("a", n), long, seat)
				var taken *tickets.Taken
				switch {
				case err == nil:
					granted.Store(n, g)
				case !errors.As(err, &taken):
					return err
				}
				return nil
			})
		}
		close(start)
		if err := all.Wait(); err != nil {
			return err
		}
		n := 0
		granted.Range(func(any, any) bool { n++; return true })
		// A strategy that doesn't wait may refuse all who come at once; then the
		// seat must be free.
		if n == 0 {
			if _, err := h.hold(ctx, "z", long, seat); err != nil {
				return fmt.Errorf("seat %s was granted to nobody, and isn't free: %w", seat, err)
			}
		}
		if n > 1 {
			return fmt.Errorf("seat %s was granted to %d", seat, n)
		}
	}
	return nil
}

// overlapping sends claims on the same seats in every order.
func overlapping(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 6)
	if err != nil {
		return err
	}
	var all errgroup.Group
	for n := range 16 {
		all.Go(func() error {
			for range 10 {
				seats := make([]tickets.SeatID, len(h.seats))
				for i, from := range rand.Perm(len(h.seats)) {
					seats[i] = h.seats[from]
				}
				g, err := h.hold(ctx, fmt.Sprint("a", n), long, seats[:4]...)
				var taken *tickets.Taken
				if errors.As(err, &taken) {
					continue
				}
				if err == nil {
					err = h.Release(ctx, g)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	_, err = h.hold(ctx, "z", long, h.seats...)
	return err
}

// sale sells a hall to buyers who hold, sometimes too briefly, sometimes give
// back, and pay; then it looks who has what.
func sale(ctx context.Context, open Open) error {
	const buyers, rounds = 24, 25
	h, err := openHall(ctx, open, 60)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	owner := map[tickets.SeatID]tickets.OrderID{}
	var all errgroup.Group
	for n := range buyers {
		all.Go(func() error {
			for round := range rounds {
				first := rand.IntN(len(h.seats) - 1)
				d := long
				if rand.IntN(4) == 0 {
					d = time.Duration(1+rand.IntN(4)) * time.Millisecond // it may end before it is paid
				}
				g, err := h.hold(ctx, fmt.Sprint("a", n), d, h.seats[first], h.seats[first+1])
				var taken *tickets.Taken
				if errors.As(err, &taken) {
					continue
				}
				if err != nil {
					return err
				}
				if rand.IntN(3) == 0 {
					if err := h.Release(ctx, g); err != nil {
						return err
					}
					continue
				}
				order := tickets.OrderID(fmt.Sprintf("o%d-%d", n, round))
				err = h.Confirm(ctx, g, order)
				if errors.Is(err, tickets.ErrGone) || errors.As(err, &taken) {
					continue
				}
				if err != nil {
					return err
				}
				mu.Lock()
				for _, s := range g.Seats {
					if other, ok := owner[s]; ok {
						mu.Unlock()
						return fmt.Errorf("seat %s was sold to %s and to %s", s, other, order)
					}
					owner[s] = order
				}
				mu.Unlock()
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if len(owner) == 0 {
		return errors.New("nobody has bought anything")
	}
	seen, err := h.Seats(ctx, h.event)
	if err != nil {
		return err
	}
	for _, s := range h.seats {
		if _, ok := owner[s]; ok != (seen[s] == tickets.Paid) {
			return fmt.Errorf("seat %s: sold to %q, and is %q", s, owner[s], seen[s])
		}
	}
	return nil
}

package claimstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"designkits/cases/tickets"
)

// refused returns nil if err says that one of the seats is taken.
func refused(err error, seats ...tickets.SeatID) error {
	var taken *tickets.Taken
	if !errors.As(err, &taken) || len(taken.Seats) == 0 {
		return fmt.Errorf("want a refusal, got %v", err)
	}
	for _, s := range taken.Seats {
		if !slices.Contains(seats, s) {
			return fmt.Errorf("the refusal names %s, which wasn't asked for", s)
		}
	}
	return nil
}

func heldIsRefused(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 4)
	if err != nil {
		return err
	}
	if _, err := h.hold(ctx, "ann", long, h.seats[1], h.seats[2]); err != nil {
		return err
	}
	_, err = h.hold(ctx, "bob", long, h.seats[2], h.seats[3])
	if err := refused(err, h.seats[2], h.seats[3]); err != nil {
		return err
	}
	// Nothing of the refused claim is left.
	g, err := h.hold(ctx, "cleo", long, h.seats[0], h.seats[3])
	if err != nil {
		return err
	}
	if !sameSeats(g.Seats, []tickets.SeatID{h.seats[0], h.seats[3]}) || g.Account != "cleo" || g.Token == 0 || time.Until(g.Until) < long/2 || time.Until(g.Until) > 2*long {
		return fmt.Errorf("granted %+v", g)
	}
	return nil
}

func repeatedHold(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 2)
	if err != nil {
		return err
	}
	c := h.claim("ann", long, h.seats...)
	first, err := h.Hold(ctx, c)
	if err != nil {
		return err
	}
	again, err := h.Hold(ctx, c)
	if err != nil {
		return err
	}
	if again.Token != first.Token || !again.Until.Equal(first.Until) {
		return fmt.Errorf("granted %+v and then %+v", first, again)
	}
	return nil
}

func overIsFree(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 2)
	if err != nil {
		return err
	}
	g, err := h.hold(ctx, "ann", 150*time.Millisecond, h.seats...)
	if err != nil {
		return err
	}
	if err := wait(ctx, g); err != nil {
		return err
	}
	_, err = h.hold(ctx, "bob", long, h.seats...)
	return err
}

func overIsGone(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 2)
	if err != nil {
		return err
	}
	late, err := h.hold(ctx, "ann", 150*time.Millisecond, h.seats[0])
	if err != nil {
		return err
	}
	if err := wait(ctx, late); err != nil {
		return err
	}
	if err := h.Confirm(ctx, late, "late"); !errors.Is(err, tickets.ErrGone) {
		return fmt.Errorf("bought a hold that was over: %v", err)
	}
	if _, err := h.Extend(ctx, late, long); !errors.Is(err, tickets.ErrGone) {
		return fmt.Errorf("extended a hold that was over: %v", err)
	}
	next, err := h.hold(ctx, "bob", long, h.seats[0])
	if err != nil {
		return err
	}
	if err := h.Confirm(ctx, late, "late"); err == nil {
		return errors.New("bought what another holds")
	}
	if err := h.Release(ctx, late); err != nil {
		return err
	}
	return h.Confirm(ctx, next, "next") // the late one's release was none of bob's
}

func extended(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 2)
	if err != nil {
		return err
	}
	var longer tickets.Grant
	g, err := h.brief(ctx, "ann", h.seats, func(g tickets.Grant) (err error) {
		longer, err = h.Extend(ctx, g, long)
		return err
	})
	if err != nil {
		return err
	}
	if longer.Until.Before(g.Until.Add(long / 2)) {
		return fmt.Errorf("from %v to %v", g.Until, longer.Until)
	}
	if again, err := h.Extend(ctx, longer, time.Second); err != nil || again.Until.Before(longer.Until) {
		return fmt.Errorf("made shorter, from %v to %v: %v", longer.Until, again.Until, err)
	}
	if err := wait(ctx, g); err != nil {
		return err
	}
	_, err = h.hold(ctx, "bob", long, h.seats[0])
	if err := refused(err, h.seats[0]); err != nil {
		return err
	}
	return h.Confirm(ctx, longer, "o")
}

func released(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 2)
	if err != nil {
		return err
	}
	g, err := h.hold(ctx, "ann", long, h.seats...)
	if err != nil {
		return err
	}
	for range 2 {
		if err := h.Release(ctx, g); err != nil {
			return err
		}
	}
	_, err = h.hold(ctx, "bob", long, h.seats...)
	return err
}

func releasedIsGone(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 1)
	if err != nil {
		return err
	}
	g, err := h.hold(ctx, "ann", long, h.seats...)
	if err != nil {
		return err
	}
	if err := h.Release(ctx, g); err != nil {
		return err
	}
	if err := h.Confirm(ctx, g, "o"); !errors.Is(err, tickets.ErrGone) {
		return fmt.Errorf("bought what was released: %v", err)
	}
	return nil
}

func soldStays(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 2)
	if err != nil {
		return err
	}
	g, err := h.brief(ctx, "ann", h.seats[:1], func(g tickets.Grant) error { return h.Confirm(ctx, g, "o") })
	if err != nil {
		return err
	}
	if err := wait(ctx, g); err != nil {
		return err
	}
	for range 2 {
		_, err = h.hold(ctx, "bob", long, h.seats...)
		if err := refused(err, h.seats[0]); err != nil {
			return err
		}
		if err := h.Release(ctx, g); err != nil { // too late for that
			return err
		}
	}
	return nil
}

func repeatedSale(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 2)
	if err != nil {
		return err
	}
	g, err := h.hold(ctx, "ann", long, h.seats...)
	if err != nil {
		return err
	}
	for range 2 {
		if err := h.Confirm(ctx, g, "o"); err != nil {
			return err
		}
	}
	if err := h.Confirm(ctx, g, "another"); err == nil {
		return errors.New("one hold was sold to two orders")
	}
	return nil
}

func refunded(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 2)
	if err != nil {
		return err
	}
	first, err := h.hold(ctx, "ann", long, h.seats...)
	if err != nil {
		return err
	}
	if err := h.Confirm(ctx, first, "first"); err != nil {
		return err
	}
	if err := h.Refund(ctx, h.event, "first", h.seats[:1]); err != nil {
		return err
	}
	states, err := h.Seats(ctx, h.event)
	if err != nil {
		return err
	}
	if _, sold := states[h.seats[0]]; sold || states[h.seats[1]] != tickets.Paid {
		return fmt.Errorf("one of two seats was refunded: %v", states)
	}
	for range 2 {
		if err := h.Refund(ctx, h.event, "first", nil); err != nil {
			return err
		}
	}
	second, err := h.hold(ctx, "bob", long, h.seats...)
	if err != nil {
		return err
	}
	if err := h.Confirm(ctx, first, "late"); err == nil {
		return errors.New("a hold that was sold and refunded was sold again")
	}
	if err := h.Confirm(ctx, second, "second"); err != nil {
		return err
	}
	if err := h.Refund(ctx, h.event, "first", nil); err != nil { // none of bob's
		return err
	}
	_, err = h.hold(ctx, "cleo", long, h.seats[0])
	return refused(err, h.seats[0])
}

func tokensRise(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 1)
	if err != nil {
		return err
	}
	last := int64(0)
	for range 20 {
		g, err := h.hold(ctx, "ann", long, h.seats...)
		if err != nil {
			return err
		}
		if g.Token <= last {
			return fmt.Errorf("token %d after %d", g.Token, last)
		}
		last = g.Token
		if err := h.Release(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func states(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 4)
	if err != nil {
		return err
	}
	if _, err := h.hold(ctx, "ann", long, h.seats[0]); err != nil {
		return err
	}
	over, err := h.hold(ctx, "bob", 50*time.Millisecond, h.seats[1])
	if err != nil {
		return err
	}
	sold, err := h.hold(ctx, "cleo", long, h.seats[2])
	if err != nil {
		return err
	}
	if err := h.Confirm(ctx, sold, "o"); err != nil {
		return err
	}
	if err := wait(ctx, over); err != nil {
		return err
	}
	got, err := h.Seats(ctx, h.event)
	if err != nil {
		return err
	}
	if len(got) != 2 || got[h.seats[0]] != tickets.Held || got[h.seats[2]] != tickets.Paid {
		return fmt.Errorf("%v", got)
	}
	return nil
}

func ended(ctx context.Context, open Open) error {
	h, err := openHall(ctx, open, 1)
	if err != nil {
		return err
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := h.hold(over, "ann", long, h.seats...); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("hold: %v", err)
	}
	if _, err := h.Seats(over, h.event); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("seats: %v", err)
	}
	return nil
}

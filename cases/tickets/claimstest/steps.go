package claimstest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"designkits/cases/tickets"
)

// steps takes a seat that is available, held or paid through each step of claims:
// what tickets.State.After allows comes about, and anything else changes nothing.
func steps(ctx context.Context, open Open) error {
	for _, from := range []tickets.State{tickets.Available, tickets.Held, tickets.Paid} {
		for _, step := range []tickets.Step{tickets.Hold, tickets.Extend, tickets.Release, tickets.Expire, tickets.Pay, tickets.Refund} {
			if err := takes(ctx, open, from, step); err != nil {
				return fmt.Errorf("a seat that is %s, and the step %q: %w", from, step, err)
			}
		}
	}
	return nil
}

func takes(ctx context.Context, open Open, from tickets.State, step tickets.Step) error {
	h, err := openHall(ctx, open, 1)
	if err != nil {
		return err
	}
	until := long
	if step == tickets.Expire {
		until = time.Second
	}
	g, err := h.bring(ctx, from, until)
	if err != nil {
		return err
	}
	to, illegal := from.After(step)
	if illegal != nil {
		to = from
	}
	err = h.take(ctx, step, g)
	switch {
	case illegal == nil && err != nil:
		return err
	case illegal != nil && err == nil && (step == tickets.Hold || step == tickets.Extend || step == tickets.Pay): // the others may be repeated
		return errors.New("was taken")
	}
	states, err := h.Seats(ctx, h.event)
	if err != nil {
		return err
	}
	is, ok := states[h.seats[0]]
	if !ok {
		is = tickets.Available
	}
	if is != to {
		return fmt.Errorf("it is %s, want %s", is, to)
	}
	return nil
}

// bring brings the seat into the state by a hold for so long, which it returns.
func (h *hall) bring(ctx context.Context, into tickets.State, d time.Duration) (tickets.Grant, error) {
	then := map[tickets.State]func(tickets.Grant) error{
		tickets.Available: func(g tickets.Grant) error { return h.Release(ctx, g) },
		tickets.Held:      func(tickets.Grant) error { return nil },
		tickets.Paid:      func(g tickets.Grant) error { return h.Confirm(ctx, g, "first") },
	}[into]
	if d < long {
		return h.brief(ctx, "ann", h.seats, then)
	}
	g, err := h.hold(ctx, "ann", d, h.seats...)
	if err != nil {
		return g, err
	}
	return g, then(g)
}

// take takes the step: another's hold, and what else there is with the grant that
// the seat had.
func (h *hall) take(ctx context.Context, step tickets.Step, g tickets.Grant) (err error) {
	switch step {
	case tickets.Hold:
		_, err = h.hold(ctx, "bob", long, h.seats...)
	case tickets.Extend:
		_, err = h.Extend(ctx, g, 2*long)
	case tickets.Release:
		err = h.Release(ctx, g)
	case tickets.Expire:
		err = wait(ctx, g)
	case tickets.Pay:
		err = h.Confirm(ctx, g, "second")
	case tickets.Refund:
		err = h.Refund(ctx, h.event, "first", nil)
	}
	return err
}

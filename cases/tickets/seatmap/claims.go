package seatmap

import (
	"context"
	"time"

	"designkits/cases/tickets"
)

// Announced is Claims that tell what has changed. To must not wait; Announcer's
// Announce is one.
type Announced struct {
	tickets.Claims
	To func(Change)
}

var _ tickets.Claims = Announced{}

// Announce returns claims that tell what has changed, and that are a
// tickets.Beginner if these are.
func Announce(claims tickets.Claims, to func(Change)) tickets.Claims {
	announced := Announced{Claims: claims, To: to}
	if b, ok := claims.(tickets.Beginner); ok {
		return beginner{announced, b}
	}
	return announced
}

// A beginner is Announced that also begins.
type beginner struct {
	Announced
	beginner tickets.Beginner
}

// Begin implements tickets.Beginner.
func (b beginner) Begin(ctx context.Context, c tickets.Claim, r tickets.Request, a tickets.Attempt, d time.Duration) (tickets.Grant, *tickets.Attempt, error) {
	g, kept, err := b.beginner.Begin(ctx, c, r, a, d)
	if err == nil && kept == nil {
		b.tell(g, tickets.Held, g.Until)
	}
	return g, kept, err
}

func (a Announced) tell(g tickets.Grant, state tickets.State, until time.Time) {
	a.To(Change{Event: g.Event, Seats: g.Seats, State: state, Token: g.Token, Until: until})
}

// Hold implements tickets.Claims.
func (a Announced) Hold(ctx context.Context, c tickets.Claim) (tickets.Grant, error) {
	g, err := a.Claims.Hold(ctx, c)
	if err == nil {
		a.tell(g, tickets.Held, g.Until)
	}
	return g, err
}

// Extend implements tickets.Claims.
func (a Announced) Extend(ctx context.Context, g tickets.Grant, d time.Duration) (tickets.Grant, error) {
	g, err := a.Claims.Extend(ctx, g, d)
	if err == nil {
		a.tell(g, tickets.Held, g.Until)
	}
	return g, err
}

// Release implements tickets.Claims.
func (a Announced) Release(ctx context.Context, g tickets.Grant) error {
	err := a.Claims.Release(ctx, g)
	if err == nil {
		a.tell(g, tickets.Available, time.Time{})
	}
	return err
}

// Confirm implements tickets.Claims.
func (a Announced) Confirm(ctx context.Context, g tickets.Grant, order tickets.OrderID) error {
	err := a.Claims.Confirm(ctx, g, order)
	if err == nil {
		a.tell(g, tickets.Paid, time.Time{})
	}
	return err
}

// Refund implements tickets.Claims. It doesn't know the seats' tokens, so it
// asks for a reading.
func (a Announced) Refund(ctx context.Context, event tickets.EventID, order tickets.OrderID, seats []tickets.SeatID) error {
	err := a.Claims.Refund(ctx, event, order, seats)
	if err == nil {
		a.To(Change{Event: event})
	}
	return err
}

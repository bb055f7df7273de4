package tickets

import (
	"context"
	"fmt"
	"time"
)

// An EventID names one evening in one hall.
type EventID string

// A SeatID names a seat of a venue: "stalls/C/12", section, row and number.
type SeatID string

// An Account is whoever buys.
type Account string

// A HoldID names a hold; who knows it may pay for it.
type HoldID string

// An OrderID names an order.
type OrderID string

// A Claim asks for seats.
type Claim struct {
	Hold    HoldID // chosen by the caller; repeating a Claim with it is harmless
	Event   EventID
	Account Account
	Seats   []SeatID // at least one, each once
	For     time.Duration
	AtMost  int // seats of the event that the account may hold, these among them; 0 for any number
}

// A Grant is a claim that was granted.
type Grant struct {
	Claim
	Until time.Time // when the seats are free again unless they are paid
	// Token fences: of two grants of one seat the later has the higher token, by
	// whatever clock, and who comes with a lower one than the seat has seen is
	// too late.
	Token int64
}

// Claims decides who gets which seat. Every method may be called by many
// goroutines in many processes at once, ends with its context's error when the
// context ends, and changes nothing when it returns one of the errors named
// here; any other error is the store's own, after which the call may or may not
// have taken effect, and may be repeated.
type Claims interface {
	// Hold holds all seats of the claim or none. Where one of them is held by
	// another or sold it returns a *Taken that names at least one such seat; where
	// the account would hold more than AtMost, an *OverLimit.
	Hold(ctx context.Context, c Claim) (Grant, error)

	// Extend makes the hold end at now plus d, unless it ends later already. It
	// returns ErrGone when the hold is over.
	Extend(ctx context.Context, g Grant, d time.Duration) (Grant, error)

	// Release frees the seats of the hold that are not sold. Releasing what is
	// gone is no error.
	Release(ctx context.Context, g Grant) error

	// Confirm sells all seats of the hold to the order, or none: ErrGone when the
	// hold is over, *Taken when a seat was sold to another order. One that fails
	// for another reason leaves the hold as it is. Whatever Hold
	// has promised to whom, a seat is sold once. Repeating it for the same order
	// is harmless.
	Confirm(ctx context.Context, g Grant, order OrderID) error

	// Refund frees these seats of an order, all of them where none is named.
	// Refunding what isn't sold to it is no error.
	Refund(ctx context.Context, event EventID, order OrderID, seats []SeatID) error

	// Seats returns Held or Paid for each of the event's seats that isn't available.
	Seats(ctx context.Context, event EventID) (map[SeatID]State, error)
}

// Sales is the record of what was sold: it decides, whatever Claims believe.
// Its methods keep the same promises as those of Claims.
type Sales interface {
	// Sell records the seats of the grant as sold to the order, all or none: *Taken
	// when one is sold to another order, or a grant with a higher token has had
	// it since. Repeating it for the same order is harmless.
	Sell(ctx context.Context, g Grant, order OrderID) error

	// Bought reports whether the order has bought the seats of the grant.
	Bought(ctx context.Context, g Grant, order OrderID) (bool, error)

	// Refund marks these seats of an order as refunded, all of them where none is
	// named, and returns those of them that it has had and has no more, also when
	// they were refunded before: so a caller that had no time to go on can.
	Refund(ctx context.Context, event EventID, order OrderID, seats []SeatID) ([]SeatID, error)

	// Sold returns the order that has each of the event's sold seats.
	Sold(ctx context.Context, event EventID) (map[SeatID]OrderID, error)
}

// Check returns an *Invalid unless the claim could be granted in an empty hall:
// known tells the seats there are, and atMost how many one account may have.
func (c Claim) Check(known func(SeatID) bool, atMost int) error {
	switch {
	case len(c.Seats) == 0:
		return &Invalid{"seats", "name at least one"}
	case len(c.Seats) > atMost:
		return &Invalid{"seats", fmt.Sprintf("at most %d can be held at once", atMost)}
	case c.For <= 0:
		return &Invalid{"for", "must be longer than nothing"}
	}
	seen := make(map[SeatID]bool, len(c.Seats))
	for _, s := range c.Seats {
		switch {
		case !known(s):
			return &Invalid{"seats", fmt.Sprintf("there is no seat %q", s)}
		case seen[s]:
			return &Invalid{"seats", fmt.Sprintf("seat %q is named twice", s)}
		}
		seen[s] = true
	}
	return nil
}

package tickets

import (
	"errors"
	"fmt"
	"time"
)

// ErrGone is the error of whoever comes with a hold that is over.
var ErrGone = errors.New("the hold is over")

// Errors of orders and tickets. Nothing has changed.
var (
	ErrUnknown   = errors.New("there is none of that name")
	ErrOrdered   = errors.New("there is an order of this hold already")
	ErrKeyReused = errors.New("the idempotency key was used for another request")
	ErrRevoked   = errors.New("the ticket was given back")
	ErrMoving    = errors.New("the event moves to another hall: its sale goes on when everybody has been seated there")
)

// An OverLimit is a claim or an order of more seats than the account may have.
type OverLimit struct{ Limit, Has int }

func (e *OverLimit) Error() string {
	return fmt.Sprintf("an account may have %d tickets of this event and has %d", e.Limit, e.Has)
}

// A Used ticket has let somebody in before.
type Used struct {
	At   time.Time
	Door string
}

func (e *Used) Error() string {
	return fmt.Sprintf("somebody came in with this ticket at %s, at %s", e.At.UTC().Format(time.RFC3339), e.Door)
}

// A Taken says which seats of a claim somebody else has. It names at least one,
// not always all.
type Taken struct{ Seats []SeatID }

func (e *Taken) Error() string {
	if len(e.Seats) == 1 {
		return fmt.Sprintf("seat %s is taken", e.Seats[0])
	}
	return fmt.Sprintf("seats %v are taken", e.Seats)
}

// An Invalid is input that was refused. Nothing has been stored.
type Invalid struct {
	Field  string
	Reason string
}

func (e *Invalid) Error() string { return e.Field + ": " + e.Reason }

// Expected reports whether the error is one of the domain's own, which a store
// returns as it is; all others are the store's, and say which and where.
func Expected(err error) bool {
	for _, known := range []error{ErrGone, ErrUnknown, ErrOrdered, ErrKeyReused, ErrRevoked, ErrMoving, ErrNotWaiting} {
		if errors.Is(err, known) {
			return true
		}
	}
	return is[*Taken](err) || is[*Invalid](err) || is[*OverLimit](err) || is[*Used](err) || is[*IllegalMove](err)
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// Package move takes an event that has been sold to another hall: who sits where
// then, and who can't be seated.
//
// A move is asked for, which closes the sale; orders on their way go on to their
// end; and then everything is written in one transaction (Store.Do): the seats,
// the tickets, the refunds that begin, the hall. So there is no moment at which
// somebody has two seats or none, and a worker may die at any. The money of those
// who can't be seated goes back by the saga of any other refund.
//
// Old tickets are worth nothing from that transaction on, and no seat of the new
// hall may have the name of one that was sold in the old: a name on a ticket means
// one place, whenever it was printed.
package move

import (
	"context"
	"errors"
	"time"

	"designkits/cases/tickets"
)

// ErrNotYet says that orders are on their way, which a move waits for.
var ErrNotYet = errors.New("orders are on their way")

// A Move is one of an event, asked for or over.
type Move struct {
	ID     string // chosen by the caller
	Event  tickets.EventID
	From   string // of package venue
	To     string
	Prices map[string]tickets.Cents // by tier of the new hall, for what is sold from then on
	Asked  time.Time
	Ended  time.Time // zero while it waits
	// Seated and Refunded are orders; the others have neither tickets nor seats.
	Seated, Refunded int
	Reason           string // why it was given up, and nothing has changed
}

// A Store writes moves down. Its methods may be called by many goroutines in many
// processes at once. Where one returns an error of the domain, nothing was stored.
type Store interface {
	// Ask writes down that the event is to move, from which moment on no order of it
	// is placed. A repetition of the request returns the move that it asked for.
	// seats are all that the new hall has. ErrMoving when another move waits;
	// *Invalid when somebody has come in already, or a seat has the name of one that
	// was sold; ErrUnknown without such an event.
	Ask(ctx context.Context, r tickets.Request, m Move, seats []tickets.SeatID) (Move, error)

	// Last returns the latest move of an event, ErrUnknown when there is none.
	Last(ctx context.Context, event tickets.EventID) (Move, error)

	// Waiting returns the moves that aren't over.
	Waiting(ctx context.Context) ([]Move, error)

	// Do carries out a move: ErrNotYet while an order of the event is on its way.
	// plan is given all orders and says how those that change are afterwards. One
	// that is over stays as it is. Where somebody has come in since it was asked
	// for, the move is given up.
	Do(ctx context.Context, m Move, seats []tickets.SeatID, plan func([]tickets.Order) ([]Change, error)) (Move, error)
}

// A Change is what a move makes of an order.
type Change struct {
	Order tickets.Order // afterwards: done with other seats, or refunding
	// Was is where its lines were that aren't given back, and Now where they are; none
	// where it is refunded.
	Was, Now []tickets.SeatID
}

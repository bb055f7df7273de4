// Package saga takes an order from its placing to its tickets, or back: it
// authorises the payment, sells the seats, captures the money and issues the
// tickets, and undoes what was done where one of these can't be.
//
// An order's state is a row in the store. A step (Steps.Do) looks at it, has its
// effect on the outside (the payment provider, the claims), and returns what came
// of it; Next, which is pure, says what the order is then; Store.Write makes it
// so, in one transaction with the event that tells others (Outbox). A process may
// die between any two of these: the step is done again, by whoever is next, and
// every effect is one that can be repeated.
//
// Two ways lead from step to step. A Runner polls the store for orders that are
// due (orchestration); or each order's events, through Kafka, call for the next
// step (choreography). The steps are the same.
package saga

import (
	"context"
	"errors"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

// ErrOvertaken says that the order was changed, or leased, by somebody else.
var ErrOvertaken = errors.New("somebody else has the order")

// A Job is an order that one worker has leased.
type Job struct {
	Order tickets.Order
	// Lease fences: whoever leases the order next gets a higher one, after which
	// nothing is written with this one.
	Lease int64
	Tries int               // of this step before
	Told  *payments.Payment // the latest that the provider has told of its payment
	Woken int64             // counts the notices of the order
}

// A Store keeps the orders that are on their way. Its methods may be called by
// many workers in many processes at once.
type Store interface {
	// Lease returns up to n orders that are due and that nobody has leased, and
	// leases them for d.
	Lease(ctx context.Context, n int, d time.Duration) ([]Job, error)

	// Take leases one order for d: ErrOvertaken unless it is at that version and
	// nobody has it.
	Take(ctx context.Context, id tickets.OrderID, version int64, d time.Duration) (Job, error)

	// Write makes the order what Next has returned: its state, its grant, its
	// payment, its lines. In the same transaction go its event into the outbox,
	// its tickets when it becomes ticketed, and its voucher's use back when it is
	// cancelled. The worker keeps it for another keep, or gives the lease up when
	// that is 0; the order is due again after next, or at once if a notice came in
	// between. ErrOvertaken when the job's lease or version isn't the order's.
	Write(ctx context.Context, j Job, o tickets.Order, keep, next time.Duration) (Job, error)

	// Postpone gives up the lease; the order is due again after d, or at once if a
	// notice came in between. Why is kept for people. ErrOvertaken as above.
	Postpone(ctx context.Context, j Job, d time.Duration, why string) error
}

// Inbox takes what the provider tells.
type Inbox interface {
	// Notice keeps the news unless it is known or older than what is known, and
	// makes the order due. The caller has checked its signature.
	Notice(ctx context.Context, n payments.Notice) error
}

// Over reports whether the saga has nothing to do for an order in that state.
// Ticketed is one: telling the fan is the notifier's.
func Over(s tickets.OrderState) bool { return s == tickets.Ticketed || s.Ended() }

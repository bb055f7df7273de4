// Package audit compares the books of a sale: the orders, the record of sales,
// the tickets, what the payment provider has, and the log of what happened. When
// nothing is under way they must agree to the cent.
package audit

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"

	"golang.org/x/sync/errgroup"
)

// Books are what is compared.
type Books struct {
	Orders  tickets.Orders
	Sales   tickets.Sales
	Tickets tickets.Tickets
	// Payment returns where the payment of an order stands, by the provider, and
	// nil when it knows none. It is called by many goroutines at once.
	Payment func(ctx context.Context, o tickets.Order) (*payments.Payment, error)
	// Log tells how it came to this, and also what was wrong for a while only.
	Log Log
}

// A Bank is the payment provider, as it answers who pays.
type Bank interface {
	Payment(ctx context.Context, payment string) (payments.Payment, error)
}

// PaymentAt returns the Payment of Books that asks the bank.
func PaymentAt(bank Bank) func(context.Context, tickets.Order) (*payments.Payment, error) {
	return func(ctx context.Context, o tickets.Order) (*payments.Payment, error) {
		if o.Payment == "" {
			return nil, nil
		}
		p, err := bank.Payment(ctx, o.Payment)
		return &p, err
	}
}

// A Balance is what the books of an event add up to.
type Balance struct {
	Orders, Sold, Refunded, Cancelled int // cancelled orders; seats otherwise
	Revenue                           tickets.Cents
	// Faults are where they don't agree, each a sentence. There may be none.
	Faults []string
}

func (b *Balance) fault(format string, args ...any) {
	b.Faults = append(b.Faults, fmt.Sprintf(format, args...))
}

// perRead is how many orders are read at a time.
const perRead = 500

// Event audits an event on which nothing is under way: an order that is, is a
// fault.
func (books Books) Event(ctx context.Context, event tickets.EventID) (Balance, error) {
	var b Balance
	sold, err := books.Sales.Sold(ctx, event)
	if err != nil {
		return b, err
	}
	err = books.Each(ctx, event, func(orders []tickets.Order) error {
		entries, err := books.entries(ctx, orders)
		if err != nil {
			return err
		}
		for i, o := range orders {
			order(o, entries[i], sold, &b)
		}
		return nil
	})
	if err != nil {
		return b, err
	}
	for seat, order := range sold {
		b.fault("seat %s is sold to %s, which isn't to have it", seat, order)
	}
	told, err := ReadLog(ctx, books.Log, event)
	if err != nil {
		return b, err
	}
	b.Faults = append(b.Faults, told.Faults()...)
	if told.Orders() != b.Orders || told.Owned() != b.Sold {
		b.fault("the log tells of %d orders and %d seats sold, the books have %d and %d", told.Orders(), told.Owned(), b.Orders, b.Sold)
	}
	return b, nil
}

// Each reads the orders of an event, some at a time.
func (books Books) Each(ctx context.Context, event tickets.EventID, do func([]tickets.Order) error) error {
	for before := time.Now().Add(24 * time.Hour); ; {
		orders, err := books.Orders.OfEvent(ctx, event, before, perRead)
		if err != nil {
			return err
		}
		if err := do(orders); err != nil {
			return err
		}
		if len(orders) < perRead {
			return nil
		}
		before = orders[len(orders)-1].Placed
	}
}

// An entry is what the other books have of an order.
type entry struct {
	issued  []tickets.Ticket
	payment *payments.Payment // nil for none
}

// lookups is how many orders are looked up at the same time.
const lookups = 16

// entries looks up what the other books have of each of the orders that have ended.
func (books Books) entries(ctx context.Context, orders []tickets.Order) ([]entry, error) {
	found := make([]entry, len(orders))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(lookups)
	for i, o := range orders {
		if !o.State.Ended() {
			continue
		}
		all.Go(func() (err error) {
			if found[i].issued, err = books.Tickets.OfOrder(ctx, o.ID); err == nil {
				found[i].payment, err = books.Payment(ctx, o)
			}
			return err
		})
	}
	return found, all.Wait()
}

// order audits one order, and takes away from sold what it has rightly.
func order(o tickets.Order, in entry, sold map[tickets.SeatID]tickets.OrderID, b *Balance) {
	b.Orders++
	if !o.State.Ended() {
		b.fault("order %s is %s still", o.ID, o.State)
		return
	}
	admit := map[tickets.SeatID]int{}
	for _, t := range in.issued {
		if t.Revoked.IsZero() {
			admit[t.Seat]++
		}
	}
	if o.State == tickets.Cancelled {
		b.Cancelled++
	}
	owed := tickets.Cents(0)
	for _, line := range o.Lines {
		want := 0
		if o.State == tickets.Done && !line.Refunded {
			want = 1
			owed += line.Price
			b.Sold++
		}
		if line.Refunded {
			b.Refunded++
		}
		if got := sold[line.Seat]; (got == o.ID) != (want == 1) {
			b.fault("order %s is %s and seat %s of it is sold to %q", o.ID, o.State, line.Seat, got)
		}
		if admit[line.Seat] != want {
			b.fault("order %s is %s and has %d tickets for seat %s", o.ID, o.State, admit[line.Seat], line.Seat)
		}
		if sold[line.Seat] == o.ID {
			delete(sold, line.Seat)
		}
	}
	b.Revenue += owed
	money(o, in.payment, owed, b)
}

// money compares what the provider has of an order with what it is owed.
func money(o tickets.Order, p *payments.Payment, owed tickets.Cents, b *Balance) {
	taken := tickets.Cents(0)
	switch {
	case p == nil:
	case p.Status == payments.Captured || p.Status == payments.Refunded:
		taken = p.Amount - p.Refunded
	case p.Status == payments.Authorised || p.Status == payments.Pending:
		b.fault("order %s is %s and %d of its fan are %s still", o.ID, o.State, p.Amount, p.Status)
	}
	if taken != owed {
		b.fault("order %s is %s and owed %d, and %d were taken", o.ID, o.State, owed, taken)
	}
}

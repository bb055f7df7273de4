// Package audit compares the books of a sale: the orders, the record of sales,
// the tickets, and what the payment provider has. When nothing is under way they
// must agree to the cent.
package audit

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

// Books are what is compared.
type Books struct {
	Orders  tickets.Orders
	Sales   tickets.Sales
	Tickets tickets.Tickets
	// Payment returns where the payment of an order stands, by the provider, and
	// nil when it knows none.
	Payment func(ctx context.Context, o tickets.Order) (*payments.Payment, error)
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
	for before := time.Now().Add(24 * time.Hour); ; {
		orders, err := books.Orders.OfEvent(ctx, event, before, perRead)
		if err != nil {
			return b, err
		}
		for _, o := range orders {
			if err := books.order(ctx, o, sold, &b); err != nil {
				return b, err
			}
			before = o.Placed
		}
		if len(orders) < perRead {
			break
		}
	}
	for seat, order := range sold {
		b.fault("seat %s is sold to %s, which isn't to have it", seat, order)
	}
	return b, nil
}

// order audits one order, and takes away from sold what it has rightly.
func (books Books) order(ctx context.Context, o tickets.Order, sold map[tickets.SeatID]tickets.OrderID, b *Balance) error {
	b.Orders++
	if !o.State.Ended() {
		b.fault("order %s is %s still", o.ID, o.State)
		return nil
	}
	issued, err := books.Tickets.OfOrder(ctx, o.ID)
	if err != nil {
		return err
	}
	admit := map[tickets.SeatID]int{}
	for _, t := range issued {
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
	return books.money(ctx, o, owed, b)
}

// money compares what the provider has of an order with what it is owed.
func (books Books) money(ctx context.Context, o tickets.Order, owed tickets.Cents, b *Balance) error {
	p, err := books.Payment(ctx, o)
	if err != nil {
		return err
	}
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
	return nil
}

package postgres_test

import (
	"fmt"
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/saga"
)

// A bought is a seat that is paid, or further on its way, and its order.
type bought struct {
	t     *testing.T
	db    *postgres.DB
	seat  tickets.SeatID
	order tickets.Order
}

// buy brings the seat a/A/1 of the show into a state.
func buy(t *testing.T, into tickets.State) *bought {
	t.Helper()
	b := &bought{t: t, db: open(t), seat: "a/A/1"}
	if err := b.db.Events().Put(t.Context(), show); err != nil {
		t.Fatal(err)
	}
	switch into {
	case tickets.Paid:
		b.order = placed(t, b.db, "h", b.seat)
		if err := b.db.Sales().Sell(t.Context(), b.order.Grant, b.order.ID); err != nil {
			t.Fatal(err)
		}
		b.order = moved(t, b.db, b.order, saga.PaymentAuthorised, saga.SeatsSold, saga.MoneyTaken)
	case tickets.Issued, tickets.CheckedIn:
		b.order = told(t, b.db, "h", b.seat)
	}
	if into == tickets.CheckedIn {
		if err := b.checkIn("first"); err != nil {
			t.Fatal(err)
		}
	}
	if is := b.state(b.seat); is != into {
		t.Fatalf("it is %s, want %s", is, into)
	}
	return b
}

// state is where a seat stands by the record and its ticket.
func (b *bought) state(seat tickets.SeatID) tickets.State {
	b.t.Helper()
	sold, err := b.db.Sales().Sold(b.t.Context(), show.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	if sold[seat] == "" {
		return tickets.Available
	}
	switch ticket := b.ticket(seat); {
	case ticket.Serial == "":
		return tickets.Paid
	case ticket.CheckedIn.IsZero():
		return tickets.Issued
	}
	return tickets.CheckedIn
}

// ticket is the one of the order that admits to the seat; the zero one if there is none.
func (b *bought) ticket(seat tickets.SeatID) tickets.Ticket {
	b.t.Helper()
	all, err := b.db.Tickets().OfOrder(b.t.Context(), b.order.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, ticket := range all {
		if ticket.Seat == seat && ticket.Revoked.IsZero() {
			return ticket
		}
	}
	return tickets.Ticket{}
}

func (b *bought) checkIn(scan string) error {
	_, err := b.db.Tickets().CheckIn(b.t.Context(), b.ticket(b.seat).Serial, "north", scan)
	return err
}

// take takes a step as the processes do.
func (b *bought) take(step tickets.Step) error {
	b.t.Helper()
	ctx := b.t.Context()
	switch step {
	case tickets.Pay: // by another
		g := b.order.Grant
		g.Hold, g.Token = "later", g.Token+1
		return b.db.Sales().Sell(ctx, g, "another")
	case tickets.Issue:
		j, err := b.db.Saga().Take(ctx, b.order.ID, b.order.Version, 0)
		if err != nil {
			return err
		}
		next, err := saga.Next(j.Order, saga.Outcome{What: saga.TicketsIssued})
		if err != nil {
			return err
		}
		_, err = b.db.Saga().Write(ctx, j, next, 0, 0)
		return err
	case tickets.CheckIn:
		return b.checkIn("another")
	case tickets.Refund:
		if b.order.State == tickets.Done { // before that nobody but the saga takes it back
			if _, err := b.db.Orders().Refund(ctx, request("ann", "back", ""), b.order.ID, nil); err != nil {
				return err
			}
		}
		_, err := b.db.Sales().Refund(ctx, show.ID, b.order.ID, nil)
		return err
	case tickets.MoveOut:
		from, to := halls(b.t)
		asked, err := b.db.Moves().Ask(ctx, request("organiser", "move", ""), moving(1), to.All())
		if err != nil {
			return err
		}
		_, err = carryOut(ctx, b.db, asked, from, to)
		return err
	}
	return fmt.Errorf("nobody takes the step %q", step)
}

// A seat that is paid takes the steps that tickets.State.After allows, and any
// other changes nothing. Until then claimstest does the same.
func TestASeatTakesTheStepsThatItsStateAllows(t *testing.T) {
	for _, from := range []tickets.State{tickets.Paid, tickets.Issued, tickets.CheckedIn} {
		for _, step := range []tickets.Step{tickets.Pay, tickets.Issue, tickets.CheckIn, tickets.Refund, tickets.MoveOut} {
			t.Run(fmt.Sprintf("%s, %s", from, step), func(t *testing.T) {
				b := buy(t, from)
				to, illegal := from.After(step)
				if illegal != nil {
					to = from
				}
				if err := b.take(step); (err == nil) != (illegal == nil) {
					t.Errorf("%v, want %v", err, illegal)
				}
				if is := b.state(b.seat); is != to {
					t.Errorf("it is %s, want %s", is, to)
				}
				if step != tickets.MoveOut || illegal != nil {
					return
				}
				in, err := tickets.Available.After(tickets.MoveIn)
				if is := b.state("z/A/1"); err != nil || is != in {
					t.Errorf("the seat that the order has moved to is %s, want %s, %v", is, in, err)
				}
			})
		}
	}
}

package audit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/audit"
	"designkits/cases/tickets/saga"
)

// told are events of one order of a seat, from its placing on.
func told(order tickets.OrderID, states ...tickets.OrderState) (events []saga.Event) {
	for i, s := range states {
		events = append(events, saga.Event{Order: order, Version: int64(i + 1), State: s, Event: "show", Seats: []tickets.SeatID{"a/A/1"}})
	}
	return events
}

func read(all ...[]saga.Event) *audit.Replay {
	r := audit.NewReplay()
	for _, events := range all {
		for _, e := range events {
			r.Read(e)
		}
	}
	return r
}

// A paged is a log that gives what it is asked for.
type paged []saga.Event

func (p paged) Log(_ context.Context, _ tickets.EventID, after int64, n int) ([]saga.Event, error) {
	rest := p[after:]
	return rest[:min(n, len(rest))], nil
}

func TestALongLogIsReadToItsEnd(t *testing.T) {
	var all paged
	for n := range 10_001 {
		e := told(tickets.OrderID(fmt.Sprint(n)), tickets.Placed)[0]
		e.ID = int64(n + 1)
		all = append(all, e)
	}
	for _, n := range []int{0, 5000, 10_001} {
		if r, err := audit.ReadLog(t.Context(), all[:n], "show"); err != nil || r.Orders() != n || len(r.Faults()) > 0 {
			t.Errorf("%d of %d orders: %v, %v", r.Orders(), n, r.Faults(), err)
		}
	}
}

// Books in which there is nothing.
type (
	noOrders struct{ tickets.Orders }
	noSales  struct{ tickets.Sales }
)

func (noOrders) OfEvent(context.Context, tickets.EventID, time.Time, int) ([]tickets.Order, error) {
	return nil, nil
}

func (noSales) Sold(context.Context, tickets.EventID) (map[tickets.SeatID]tickets.OrderID, error) {
	return nil, nil
}

func TestWhatTheLogTellsAndTheBooksDontIsAFault(t *testing.T) {
	books := audit.Books{Orders: noOrders{}, Sales: noSales{}}
	for want, log := range map[string]paged{
		"":                                      nil,
		"begins confirmed":                      told("one", tickets.Confirmed),
		"the log tells of 1 orders and 0 seats": told("one", tickets.Placed),
		"the log tells of 1 orders and 1 seats": told("one", tickets.Placed, tickets.Authorised, tickets.Confirmed),
	} {
		for i := range log {
			log[i].ID = int64(i + 1)
		}
		books.Log = log
		b, err := books.Event(t.Context(), "show")
		if faults := strings.Join(b.Faults, "; "); err != nil || (faults == "") != (want == "") || !strings.Contains(faults, want) {
			t.Errorf("%v, %v, want %q", b.Faults, err, want)
		}
	}
}

func TestASaleAfterARefundIsFine(t *testing.T) {
	sold := []tickets.OrderState{tickets.Placed, tickets.Authorised, tickets.Confirmed, tickets.Captured, tickets.Ticketed, tickets.Done}
	back := told("one", append(sold, tickets.Refunding, tickets.Releasing, tickets.Refunded)...)
	r := read(back, back[3:], told("two", sold...)) // some of it twice
	if len(r.Faults()) > 0 || r.Orders() != 2 || r.Owned() != 1 {
		t.Errorf("%d orders, %d owned: %v", r.Orders(), r.Owned(), r.Faults())
	}
}

func TestOfSomeSeatsThatAreGivenBackTheOthersStay(t *testing.T) {
	a, b := tickets.SeatID("a/A/1"), tickets.SeatID("a/A/2")
	both := []tickets.SeatID{a, b}
	events := told("one", tickets.Placed, tickets.Authorised, tickets.Confirmed, tickets.Captured, tickets.Ticketed, tickets.Refunding, tickets.Releasing, tickets.Done)
	for i := range events {
		events[i].Seats = both
	}
	events[5].Returning, events[6].Returning, events[7].Refunded = both[:1], both[:1], both[:1]
	next := told("two", tickets.Placed, tickets.Authorised, tickets.Confirmed)
	if r := read(events[:7], next, events[7:]); len(r.Faults()) > 0 || r.Owned() != 2 {
		t.Errorf("%d owned: %v", r.Owned(), r.Faults())
	}
	for i := range next {
		next[i].Seats = both[1:]
	}
	if r := read(events, next); len(r.Faults()) != 1 {
		t.Errorf("the seat that stayed was sold again: %v", r.Faults())
	}
}

func TestAnOrderWhoseEventMovedHasItsOldSeatsNoMore(t *testing.T) {
	sold := []tickets.OrderState{tickets.Placed, tickets.Authorised, tickets.Confirmed, tickets.Captured, tickets.Ticketed, tickets.Done}
	events := told("one", append(sold, tickets.Done)...)
	events[6].Seats, events[6].Was = []tickets.SeatID{"z/A/1"}, events[5].Seats
	r := read(events, told("two", sold...)) // of the seat that was left
	if len(r.Faults()) > 0 || r.Owned() != 2 {
		t.Errorf("%d owned: %v", r.Owned(), r.Faults())
	}
	other := told("three", sold[:3]...)
	for i := range other {
		other[i].Seats = []tickets.SeatID{"z/A/1"}
	}
	if r := read(events, other); len(r.Faults()) != 1 {
		t.Errorf("the seat that it was moved to is sold again: %v", r.Faults())
	}
}

func TestWhatCantHaveBeenIsTold(t *testing.T) {
	upTo := []tickets.OrderState{tickets.Placed, tickets.Authorised, tickets.Confirmed}
	for want, r := range map[string]*audit.Replay{
		"while one has it":                  read(told("one", upTo...), told("two", upTo...)),
		"goes from placed to confirmed":     read(told("one", tickets.Placed, tickets.Confirmed)),
		"goes from cancelled to authorised": read(told("one", tickets.Placed, tickets.Releasing, tickets.Cancelled, tickets.Authorised)),
		"version 3 follows 1":               read(told("one", upTo...)[:1], told("one", upTo...)[2:]),
		"begins confirmed":                  read(told("one", tickets.Confirmed)),
	} {
		if faults := r.Faults(); len(faults) != 1 || !strings.Contains(faults[0], want) {
			t.Errorf("%v, want %q", faults, want)
		}
	}
}

package audit

import (
	"context"
	"fmt"
	"slices"

	"designkits/cases/tickets"
	"designkits/cases/tickets/saga"
)

// A Replay reads the log of what happened to orders, in the order of the
// events' ids, and tells what can't have been: a seat that two orders had at a
// time, a change of state that can't be, a change that is missing. It needs none of
// the books, and sees also what was wrong for a while only.
//
// An order has a seat at least from its being confirmed until it begins to
// release it: the seat is sold before the one is written down and freed after
// the other, so two orders that overlap here did overlap.
type Replay struct {
	orders map[tickets.OrderID]saga.Event // the last of each
	owners map[place]tickets.OrderID
	faults []string
}

type place struct {
	event tickets.EventID
	seat  tickets.SeatID
}

// NewReplay returns a replay that has read nothing.
func NewReplay() *Replay {
	return &Replay{orders: map[tickets.OrderID]saga.Event{}, owners: map[place]tickets.OrderID{}}
}

// A Log keeps what happened to the orders of events.
type Log interface {
	// Log returns up to n events of an event's orders, those that follow the one
	// of an id, by their ids.
	Log(ctx context.Context, event tickets.EventID, after int64, n int) ([]saga.Event, error)
}

// eventsPerRead is how many events are read at a time.
const eventsPerRead = 5000

// ReadLog replays all that the log has of an event on which nothing is under way.
func ReadLog(ctx context.Context, log Log, event tickets.EventID) (*Replay, error) {
	r := NewReplay()
	for after := int64(0); ; {
		events, err := log.Log(ctx, event, after, eventsPerRead)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			r.Read(e)
			after = e.ID
		}
		if len(events) < eventsPerRead {
			return r, nil
		}
	}
}

// Faults are what can't have been, each a sentence.
func (r *Replay) Faults() []string { return r.faults }

// Orders is how many orders were read of, and Owned how many seats have an owner
// now.
func (r *Replay) Orders() int { return len(r.orders) }

// Owned is how many seats are an order's.
func (r *Replay) Owned() int { return len(r.owners) }

func (r *Replay) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// Read takes the next event. One that was read before is left out, since a log
// may have it twice.
func (r *Replay) Read(e saga.Event) {
	last, known := r.orders[e.Order]
	switch {
	case known && e.Version <= last.Version:
		return
	case e.Version != last.Version+1:
		r.fault("order %s: version %d follows %d", e.Order, e.Version, last.Version)
	case !known && e.State != tickets.Placed:
		r.fault("order %s begins %s", e.Order, e.State)
	case known && e.State != last.State && last.State.To(e.State) != nil:
		r.fault("order %s goes from %s to %s", e.Order, last.State, e.State)
	}
	r.orders[e.Order] = e
	for _, seat := range last.Seats { // it has no more, once its event has moved
		if !slices.Contains(e.Seats, seat) {
			r.owner(e, place{e.Event, seat}, false)
		}
	}
	for _, seat := range e.Seats {
		r.owner(e, place{e.Event, seat}, owns(e, seat))
	}
}

// owner notes whether the order of an event has the seat after it.
func (r *Replay) owner(e saga.Event, p place, has bool) {
	owner, owned := r.owners[p]
	switch {
	case has && owned && owner != e.Order:
		r.fault("seat %s is sold to %s while %s has it (event %d)", p.seat, e.Order, owner, e.ID)
	case has:
		r.owners[p] = e.Order
	case owner == e.Order:
		delete(r.owners, p)
	}
}

// owns reports whether the order surely has the seat in the state of the event.
func owns(e saga.Event, seat tickets.SeatID) bool {
	returning, staying := false, true
	for _, s := range e.Returning {
		returning = returning || s == seat
	}
	for _, s := range e.Refunded {
		staying = staying && s != seat
	}
	switch e.State {
	case tickets.Confirmed, tickets.Captured, tickets.Ticketed, tickets.Done, tickets.Refunding:
		return staying
	case tickets.Releasing: // of a refund of some seats the others stay
		return staying && len(e.Returning) > 0 && !returning
	}
	return false // while voiding it may have it, or not
}

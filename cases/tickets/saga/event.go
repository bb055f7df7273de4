package saga

import (
	"context"
	"time"

	"designkits/cases/tickets"
)

// An Event tells that an order has changed: a line of the outbox, a record in
// Kafka. It is written as JSON.
type Event struct {
	Schema int `json:"schema"` // 1
	// ID is its place in the outbox: of one order's events the later has the higher.
	ID      int64              `json:"id"`
	Order   tickets.OrderID    `json:"order"`
	Version int64              `json:"version"` // of the order, after the change
	State   tickets.OrderState `json:"state"`
	Event   tickets.EventID    `json:"event"`
	Account tickets.Account    `json:"account"`
	Seats   []tickets.SeatID   `json:"seats"`
	// Returning and Refunded are those of the seats that are being given back, and were.
	Returning []tickets.SeatID `json:"returning,omitempty"`
	Refunded  []tickets.SeatID `json:"refunded,omitempty"`
	// Was are the seats that it had until the event moved to another hall.
	Was      []tickets.SeatID `json:"was,omitempty"`
	Total    tickets.Cents    `json:"total"`
	Currency string           `json:"currency"`
	Reason   string           `json:"reason,omitempty"`
	At       time.Time        `json:"at"`
}

// EventOf returns the event of an order's latest change. The store gives it its
// ID and its time.
func EventOf(o tickets.Order) Event {
	e := Event{Schema: 1, Order: o.ID, Version: o.Version, State: o.State, Event: o.Grant.Event, Account: o.Grant.Account,
		Total: o.Total, Currency: o.Currency, Reason: o.Reason}
	e.Returning, _ = Returning(o)
	for _, line := range o.Lines {
		e.Seats = append(e.Seats, line.Seat)
		if line.Refunded {
			e.Refunded = append(e.Refunded, line.Seat)
		}
	}
	return e
}

// Outbox is where events wait that were written together with what they tell.
type Outbox interface {
	// Send hands the first n events that weren't sent to the log, in order, and
	// marks them once it has taken them; it returns how many they were. One sender
	// is at it at a time, in all processes: any other returns 0. What was sent and
	// not marked is sent again.
	Send(ctx context.Context, n int, to Log) (int, error)
}

// A Log keeps events for everybody who wants to know: those of one order in
// their order, each at least once.
type Log interface {
	// Append returns once the events will not be lost. After an error any of them
	// may be in the log.
	Append(ctx context.Context, events []Event) error

	// Follow calls handle with one event after the other, those of one order in
	// order, and goes on from there after a restart, by the group's name. An event
	// that handle fails on comes again, for as long as it takes. Members of a
	// group in other processes share the work. It returns nil when ctx ends.
	Follow(ctx context.Context, group string, handle func(context.Context, Event) error) error
}

// Mailbox is where fans are told.
type Mailbox interface {
	// Tell keeps the message, once for each version of the order, and moves the
	// order on to done if it is ticketed.
	Tell(ctx context.Context, e Event, m tickets.Message) error
}

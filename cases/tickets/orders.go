package tickets

import (
	"context"
	"time"
)

// Events is what is on sale. Its methods may be called by many goroutines in
// many processes at once, and may be repeated.
type Events interface {
	// Event returns ErrUnknown when there is none of that id.
	Event(ctx context.Context, id EventID) (Event, error)

	// List returns all events, the next one first.
	List(ctx context.Context) ([]Event, error)

	// Put stores the event, which Check has passed, in place of what there was.
	// Prices of orders that are placed already stay. *Invalid when its venue is
	// another than before and there are orders: package move does that.
	Put(ctx context.Context, e Event) error

	// Add is Put unless there is an event of that id: then it changes nothing. It
	// reports whether the event is new.
	Add(ctx context.Context, e Event) (bool, error)

	// Voucher returns ErrUnknown when the event has none of that code. Whether it
	// can still be used Place decides.
	Voucher(ctx context.Context, event EventID, code string) (Voucher, error)

	// PutVoucher stores the voucher, which Check has passed. Uses that were made
	// of an earlier one with its code still count.
	PutVoucher(ctx context.Context, v Voucher) error
}

// A Request names one attempt of a caller to change something, so that a
// repetition is known: by the key that the caller has chosen, and the hash of
// what was asked. A key is remembered for KeptFor.
type Request struct {
	Account Account
	Key     string
	Hash    [32]byte // of the method, the path and the body
}

// KeptFor is how long the answer to a Request is kept.
const KeptFor = 24 * time.Hour

// Keys remember the answers to requests that keep them nowhere else. Its
// methods return ErrKeyReused when the key came with another hash.
type Keys interface {
	// Answer returns what was remembered, and false when nothing was.
	Answer(ctx context.Context, r Request) ([]byte, bool, error)

	// Remember keeps the answer, unless there is one already, and returns the one
	// that is kept.
	Remember(ctx context.Context, r Request, answer []byte) ([]byte, error)
}

// Orders are the purchases. Its methods may be called by many goroutines in
// many processes at once. Where one returns an error of this package, nothing
// was stored; after any other it may be repeated with the same Request.
type Orders interface {
	// Place writes the order down, and the saga begins. All of the following is
	// one transaction: the request's key (a repetition returns the order that the
	// first one placed, as it is now; ErrKeyReused), the account's limit
	// (*OverLimit when its tickets of the event that aren't given back, and those
	// of orders on their way, would be more than PerAccount), the voucher's use
	// (*Invalid when it is used up or over; a cancelled order gives it back), and
	// the hold (ErrOrdered when there is an order of it). The event is as the caller
	// knows it: ErrMoving when it moves or has moved to another hall since.
	Place(ctx context.Context, r Request, o Order, e Event) (Order, error)

	// Refund begins to give back these seats of an order that has tickets, all of
	// them where none is named. Its tickets are worth nothing at once; the money
	// and the seats follow. *IllegalMove when the order can't be refunded now,
	// *Invalid when a seat isn't the order's, is given back already, or somebody
	// has been checked in on it.
	Refund(ctx context.Context, r Request, id OrderID, seats []SeatID) (Order, error)

	// Order returns ErrUnknown when there is none of that id. Whose it is, the
	// caller must look at: Grant.Account.
	Order(ctx context.Context, id OrderID) (Order, error)

	// OfAccount returns the account's orders, the latest first, at most 200.
	OfAccount(ctx context.Context, account Account) ([]Order, error)

	// OfEvent returns the event's orders placed before a time, the latest first:
	// atMost, and those that were placed at the very time of the last, so that the
	// next call can go on before it and none is missed.
	OfEvent(ctx context.Context, event EventID, before time.Time, atMost int) ([]Order, error)

	// Figures adds up the event's orders.
	Figures(ctx context.Context, event EventID) (Figures, error)
}

// Figures are an organiser's sums of one event. What is held without an order,
// Claims knows.
type Figures struct {
	Orders   int   `json:"orders"`   // in any state
	Sold     int   `json:"sold"`     // seats whose money was taken and not given back
	OnTheWay int   `json:"onTheWay"` // seats of orders that aren't paid yet
	Refunded int   `json:"refunded"` // seats given back
	Revenue  Cents `json:"revenue"`  // of what is sold
	Refunds  Cents `json:"refunds"`  // given back
	// LastMinute is how many tickets were sold in the last 60 s.
	LastMinute int `json:"lastMinute"`
}

// A Serial names a ticket.
type Serial string

// A Ticket lets one person in. What stands in its code, package ticketcode says.
type Ticket struct {
	Serial  Serial
	Event   EventID
	Seat    SeatID
	Order   OrderID
	Account Account
	Issued  time.Time
	// Revoked is when it was given back, and CheckedIn when its holder came in;
	// zero for not.
	Revoked, CheckedIn time.Time
	Door               string // at which
}

// Tickets are what the saga has issued.
type Tickets interface {
	// Ticket returns ErrUnknown when there is none of that serial.
	Ticket(ctx context.Context, s Serial) (Ticket, error)

	// OfOrder returns the order's tickets by seat, with those that are revoked.
	OfOrder(ctx context.Context, id OrderID) ([]Ticket, error)

	// CheckIn lets the ticket's holder in, once: *Used when somebody has come in
	// with it, ErrRevoked when it was given back, ErrUnknown. The same scan may be
	// repeated.
	CheckIn(ctx context.Context, s Serial, door, scan string) (Ticket, error)
}

// A Message is what a fan was told about an order. In a real sale it would be
// an e-mail, which is somebody else's to send.
type Message struct {
	Order   OrderID   `json:"order"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	At      time.Time `json:"at"`
}

// Messages are what fans were told.
type Messages interface {
	// OfAccount returns the account's messages, the latest first, at most 200.
	OfAccount(ctx context.Context, account Account) ([]Message, error)
}

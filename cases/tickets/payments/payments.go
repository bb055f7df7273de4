// Package payments is what the ticket sale knows of its payment provider: what
// it asks for, what it is told, and by which signature it believes it.
//
// The provider is somebody else's: it may be slow, answer twice or never, and
// tell its news (Notice) late, repeatedly and in any order. So everything that
// is asked carries a key that makes asking again harmless, and everything that
// is told carries a version, by which the latest is known.
package payments

import (
	"context"
	"errors"
	"time"

	"designkits/cases/tickets"
)

// A Status is where a payment stands at the provider.
type Status string

// The statuses of a payment.
const (
	Pending    Status = "pending"    // the provider doesn't know yet; a Notice will come
	Authorised Status = "authorised" // reserved on the fan's account
	Declined   Status = "declined"
	Captured   Status = "captured" // taken
	Voided     Status = "voided"   // reserved and let go
	Refunded   Status = "refunded" // taken and given back, all of it
)

// A Payment is one payment as the provider sees it.
type Payment struct {
	ID       string          `json:"id"`
	Order    tickets.OrderID `json:"order"`
	Amount   tickets.Cents   `json:"amount"`
	Refunded tickets.Cents   `json:"refunded"` // of the amount
	Currency string          `json:"currency"`
	Status   Status          `json:"status"`
	Reason   string          `json:"reason,omitempty"` // of a decline
	Version  int64           `json:"version"`          // grows with each change
}

// A Charge asks for a payment.
type Charge struct {
	Order    tickets.OrderID `json:"order"`
	Amount   tickets.Cents   `json:"amount"`
	Currency string          `json:"currency"`
	Source   string          `json:"source"` // a token of the provider's
}

// Provider is the provider's API. Each call may be repeated with its key: it
// takes effect once and answers the same. An error other than those named here
// means that nobody knows whether it took effect: ask again with the same key.
type Provider interface {
	// Authorise reserves the amount. A decline is a Payment, not an error.
	Authorise(ctx context.Context, key string, c Charge) (Payment, error)
	// Capture takes what is authorised.
	Capture(ctx context.Context, key, payment string) (Payment, error)
	// Void lets go of what is authorised and not captured.
	Void(ctx context.Context, key, payment string) (Payment, error)
	// Refund gives back a part of what was captured, or all.
	Refund(ctx context.Context, key, payment string, amount tickets.Cents) (Payment, error)
	// Payment returns where a payment stands now.
	Payment(ctx context.Context, payment string) (Payment, error)
}

// The errors of a Provider that say that nothing has changed, besides
// *tickets.Invalid for what it will never take.
var (
	ErrUnknown  = errors.New("the provider knows no such payment")
	ErrConflict = errors.New("the payment isn't in a state for that") // or the key was used for something else
)

// A Notice is the provider's news of a payment, sent to a webhook: at least
// once, late, in any order.
type Notice struct {
	ID      string    `json:"id"` // the same when it is sent again
	At      time.Time `json:"at"`
	Payment Payment   `json:"payment"`
}

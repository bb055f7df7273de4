package tickets

import (
	"context"
	"errors"
)

// ErrNotWaiting is the error of whoever asks for a place on a list without one.
var ErrNotWaiting = errors.New("this account isn't on the event's waiting list")

// Waitlist is who wants seats of an event that is sold out, in the order in
// which they asked. Its methods may be called by many goroutines in many
// processes at once, and may be repeated.
type Waitlist interface {
	// Wait puts the account at the end of the event's list, unless it stands there
	// already, and returns its place, from 1. Asking again changes how many seats
	// it wants and not its place.
	Wait(ctx context.Context, event EventID, account Account, seats int) (place int, err error)

	// Standing returns the account's place on the event's list, from 1, and how
	// many seats it wants; ErrNotWaiting when it isn't there.
	Standing(ctx context.Context, event EventID, account Account) (place, seats int, err error)

	// Leave takes the account off the event's list, and all behind it are one place
	// further; ErrNotWaiting when it isn't there.
	Leave(ctx context.Context, event EventID, account Account) error
}

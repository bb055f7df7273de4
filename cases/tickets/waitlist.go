package tickets

import "context"

// Waitlist is who wants seats of an event that is sold out, in the order in
// which they asked.
type Waitlist interface {
	// Wait puts the account at the end of the event's list, unless it stands there
	// already, and returns its place, from 1. Asking again changes how many seats
	// it wants and not its place.
	Wait(ctx context.Context, event EventID, account Account, seats int) (place int, err error)
}

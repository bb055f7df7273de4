package tickets

import (
	"context"
	"time"
)

// Attempts remember which seats a request for a hold was about, so that one that
// is repeated is about the same. They are kept for as long as any hold may last.
// Keys would keep them on disk, at the price of a commit for each hold.
type Attempts interface {
	// Begin keeps the attempt for d, unless the request was seen before, and returns
	// the one that is kept. It returns ErrKeyReused when the key came with another
	// hash.
	Begin(ctx context.Context, event EventID, r Request, a Attempt, d time.Duration) (Attempt, error)

	// Kept returns the attempt that is kept, if the request was seen before. It
	// returns ErrKeyReused as Begin does.
	Kept(ctx context.Context, event EventID, r Request) (a Attempt, found bool, err error)

	// Change keeps another attempt for a request that has begun, for d from now.
	Change(ctx context.Context, event EventID, r Request, a Attempt, d time.Duration) error
}

// An Attempt is what a request for a hold came to.
type Attempt struct {
	Seats []SeatID
	Since time.Time
}

// A Beginner is Claims in whose store attempts are kept as well, so that a request's
// first attempt and its hold are one step.
type Beginner interface {
	// Begin does what Attempts' Begin does, and for a request that comes for the first
	// time also what Claims' Hold does for the claim, whose seats are the attempt's. Of
	// one that was seen before it holds nothing and returns the attempt that is kept.
	Begin(ctx context.Context, c Claim, r Request, a Attempt, d time.Duration) (g Grant, kept *Attempt, err error)
}

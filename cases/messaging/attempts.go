package messaging

import (
	"context"
	"errors"
	"time"
)

// Attempts remembers requests that carry a key of their own, so that one which is
// sent again, since its answer was lost, isn't carried out twice.
type Attempts interface {
	// Begin takes up a request. Plan is what it will do and Hash what it asks for.
	// It returns the plan of the first time, and the outcome if there is one; else
	// the caller carries the plan out and calls Finish or Abandon within AttemptFor.
	// ErrUnderWay while another does; ErrKeyReused when the hash is another one.
	Begin(ctx context.Context, key string, hash [32]byte, plan string) (first string, outcome []byte, err error)
	// Finish keeps the outcome.
	Finish(ctx context.Context, key string, outcome []byte) error
	// Abandon lets the request be taken up again at once, by the same plan.
	Abandon(ctx context.Context, key string) error
}

const (
	// AttemptFor is how long one may take.
	AttemptFor = 10 * time.Second
	// AttemptsFor is how long they are remembered.
	AttemptsFor = time.Hour
)

// The errors of Attempts.
var (
	ErrUnderWay  = errors.New("the same request is being carried out; ask again in a moment")
	ErrKeyReused = errors.New("this key was sent with another request: give each request a new one")
)

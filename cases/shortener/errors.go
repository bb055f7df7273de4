package shortener

import (
	"errors"
	"fmt"
	"time"

	"designkits/cases/shortener/codes"
)

// The errors a caller can tell apart. adapters/httpapi maps each to a status
// and a problem type, in one place.
var (
	ErrNotFound  = errors.New("no such link")
	ErrExpired   = errors.New("the link has expired")
	ErrTaken     = errors.New("the alias is taken")
	ErrLookAlike = errors.New("the alias looks like an existing one")
	ErrNotOwner  = errors.New("the link belongs to somebody else")
	ErrNoKey     = errors.New("the API key is missing or unknown")

	// ErrBusy says that a bounded queue is full. Trying again in a moment helps.
	ErrBusy = errors.New("too much is under way at the moment")
)

// Expected reports whether the error is one of the domain's own, which a store
// returns as it is; all others are the store's, and say which and where.
func Expected(err error) bool {
	for _, known := range []error{ErrNotFound, ErrTaken, ErrLookAlike, ErrNotOwner, ErrNoKey, codes.ErrOtherKey} {
		if errors.Is(err, known) {
			return true
		}
	}
	var invalid *Invalid
	return errors.As(err, &invalid)
}

// An Invalid is input that was refused. Nothing has been stored.
type Invalid struct {
	Field  string // as the API names it: "target", "alias", "expires"
	Rule   string // a stable word for the rule broken: "private-address"
	Reason string // a sentence for a person, with what to do instead
}

func (e *Invalid) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Reason) }

// A TooMany is a caller over its limit.
type TooMany struct {
	Limit      int           // tokens the bucket holds
	Counts     string        // what they are, as in Bucket
	RetryAfter time.Duration // until one more is allowed
}

func (e *TooMany) Error() string {
	limit := fmt.Sprint(e.Limit)
	if e.Counts != "" {
		limit += " " + e.Counts
	}
	// Rounded up, as the header Retry-After is: who comes sooner comes in vain.
	wait := (e.RetryAfter + time.Second - 1).Truncate(time.Second)
	return fmt.Sprintf("over the limit of %s, try again in %s", limit, wait)
}

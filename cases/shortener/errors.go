package shortener

import (
	"errors"
	"fmt"
	"time"
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
	RetryAfter time.Duration // until one more is allowed
}

func (e *TooMany) Error() string {
	return fmt.Sprintf("over the limit of %d, try again in %s", e.Limit, e.RetryAfter.Round(time.Second))
}

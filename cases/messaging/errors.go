package messaging

import (
	"errors"
	"fmt"
)

// What can be wrong. Adapters return them as they are; each process maps them to
// its protocol in one place.
var (
	// ErrNotMember: the sender isn't in the conversation, or there is none: who
	// isn't in it can't find out which.
	ErrNotMember = errors.New("you are not a member of this conversation")
	// ErrNotAllowed: a member, but not one who may do this.
	ErrNotAllowed = errors.New("only an admin of the conversation may do this")
	// ErrNotFound: no such account, device, message or upload.
	ErrNotFound = errors.New("there is none")
	// ErrRevoked: the device was signed out. It has to be linked anew.
	ErrRevoked = errors.New("this device was signed out")
	// ErrTooMany: a limit on counts was reached.
	ErrTooMany = errors.New("too many")
	// ErrBusy: a queue is full. Nothing was done; try again in a moment.
	ErrBusy = errors.New("too much at once; try again in a moment")
	// ErrNotOwner: another chat process owns the partition. Ask who, and there.
	ErrNotOwner = errors.New("another process owns this conversation now")
	// ErrFenced: a newer owner has begun. What was in flight was not committed.
	ErrFenced = errors.New("a newer owner has taken over")
	// ErrTaken: somebody has the name already.
	ErrTaken = errors.New("this name is taken")
)

// TooMany says which limit was reached. It is an ErrTooMany.
type TooMany struct{ Limit string }

func (t *TooMany) Error() string { return t.Limit }

// Is makes it one.
func (t *TooMany) Is(target error) bool { return target == ErrTooMany }

// Invalid says which field of a request can't be, and why.
type Invalid struct{ Field, Reason string }

func (i *Invalid) Error() string { return fmt.Sprintf("%s: %s", i.Field, i.Reason) }

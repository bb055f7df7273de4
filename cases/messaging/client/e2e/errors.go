package e2e

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNoSession says that no message can be encrypted for a device before
	// StartSession, and none decrypted that isn't the first of a session.
	ErrNoSession = errors.New("there is no session with this device: start one with its bundle")
	// ErrDuplicate says that this very message has been decrypted before, or
	// that it was skipped so long ago that its key is gone.
	ErrDuplicate = errors.New("the message was decrypted before")
	// ErrUndecryptable says that the message was altered on its way, isn't from
	// whom it is said to be, or belongs to a session that this device has lost.
	ErrUndecryptable = errors.New("the message fits no session with this device: it was altered, is from somebody else, or the session is lost")
	// ErrMalformed says that the bytes are no envelope, bundle or state at all.
	ErrMalformed = errors.New("malformed")
	// ErrNoGroupKey says that the sender's key for this group hasn't arrived,
	// or was never meant for this device.
	ErrNoGroupKey = errors.New("this device has no key of the sender for this group")
	// ErrTooLarge says that the body doesn't fit into one message: send it as a blob.
	ErrTooLarge = fmt.Errorf("the body is larger than %d bytes: send it as a blob", MaxBody)
)

// KeyChanged says that a device has another identity key than the one that is
// known of it: it was set up anew, or somebody stands between. The person
// decides; Device.Accept takes the new key, and then the same call succeeds.
type KeyChanged struct {
	Address Address
	Known   []byte // the identity key so far
	Now     []byte // the one that was presented
}

func (e *KeyChanged) Error() string {
	return fmt.Sprintf("the identity key of %s has changed: compare the safety number, then accept it", e.Address)
}

// MissingSessions says which devices EncryptGroup could not hand its sender key to.
type MissingSessions struct{ Addresses []Address }

func (e *MissingSessions) Error() string {
	var names []string
	for _, a := range e.Addresses {
		names = append(names, a.String())
	}
	return "no session with " + strings.Join(names, ", ") + ": start them with their bundles"
}

// Is makes it an ErrNoSession.
func (e *MissingSessions) Is(target error) bool { return target == ErrNoSession }

// guard turns a panic of the protocol library, which indexes into what it is
// sent before it looks at the length, into ErrMalformed. Nothing is stored then.
func guard(failed *error) {
	if p := recover(); p != nil {
		*failed = fmt.Errorf("%w: %v", ErrMalformed, p)
	}
}

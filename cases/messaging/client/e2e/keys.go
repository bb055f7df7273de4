package e2e

import (
	"fmt"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/keys/prekey"
	"go.mau.fi/libsignal/util/medium"
	"go.mau.fi/libsignal/util/optional"
)

// PublicKeys is what a device publishes. Keys are 33 bytes: a 5, which says
// Curve25519, and the point.
type PublicKeys struct {
	RegistrationID uint32       `json:"registrationId"`
	IdentityKey    []byte       `json:"identityKey"`
	SignedPreKey   SignedPreKey `json:"signedPreKey"`
	// LastResort stands in when the one-time keys have run out. It is given out
	// more than once, which costs the first message some of its secrecy and
	// lets it be repeated once the session is forgotten; better than no message.
	LastResort PreKey `json:"lastResort"`
	// OneTime keys are given out once each.
	OneTime []PreKey `json:"oneTime"`
}

// A PreKey is the public half of a prekey.
type PreKey struct {
	ID  uint32 `json:"id"`
	Key []byte `json:"key"`
}

// A SignedPreKey is signed with the identity key, so that a server can't put
// its own in its place.
type SignedPreKey struct {
	PreKey
	Signature []byte `json:"signature"` // 64 bytes
}

// A Bundle is what somebody needs to write to a device for the first time.
type Bundle struct {
	RegistrationID uint32       `json:"registrationId"`
	IdentityKey    []byte       `json:"identityKey"`
	SignedPreKey   SignedPreKey `json:"signedPreKey"`
	// PreKey is a one-time key or the last resort; nil when the server has none.
	PreKey *PreKey `json:"preKey,omitempty"`
}

// lastResort is the id that the protocol library never takes out of the Store.
const lastResort = medium.MaxValue

// signal checks everything that can be checked without the identity key's owner.
func (b Bundle) signal(of Address) (*prekey.Bundle, error) {
	identityKey, err := point("identity key", b.IdentityKey)
	if err != nil {
		return nil, err
	}
	signed, err := point("signed prekey", b.SignedPreKey.Key)
	if err != nil {
		return nil, err
	}
	if len(b.SignedPreKey.Signature) != 64 {
		return nil, fmt.Errorf("%w: a signature of %d bytes", ErrMalformed, len(b.SignedPreKey.Signature))
	}
	id, oneTime := optional.NewEmptyUint32(), ecc.ECPublicKeyable(nil)
	if b.PreKey != nil {
		if b.PreKey.ID == 0 || b.PreKey.ID > lastResort {
			return nil, fmt.Errorf("%w: prekey id %d is not from 1 to %d", ErrMalformed, b.PreKey.ID, lastResort)
		}
		if oneTime, err = point("prekey", b.PreKey.Key); err != nil {
			return nil, err
		}
		id = optional.NewOptionalUint32(b.PreKey.ID)
	}
	return prekey.NewBundle(b.RegistrationID, of.Device, id, b.SignedPreKey.ID, oneTime, signed,
		[64]byte(b.SignedPreKey.Signature), identity.NewKey(identityKey)), nil
}

// point reads a public key. The library itself would fill a short one with zeros.
func point(what string, key []byte) (ecc.ECPublicKeyable, error) {
	if len(key) != 33 {
		return nil, fmt.Errorf("%w: the %s has %d bytes, not 33", ErrMalformed, what, len(key))
	}
	p, err := ecc.DecodePoint(key, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: the %s: %w", ErrMalformed, what, err)
	}
	return p, nil
}

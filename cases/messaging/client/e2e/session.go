package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/session"
	"go.mau.fi/libsignal/signalerror"
	"go.mau.fi/libsignal/state/record"
)

// A Message is what Decrypt has found.
type Message struct {
	Body []byte
	// GroupKey is set, and Body empty, when the message was no person's but
	// brought the sender's key for this group. DecryptGroup needs nothing more.
	GroupKey string
}

// Encrypt makes an envelope for one device. ErrNoSession before StartSession,
// ErrTooLarge above MaxBody.
func (d *Device) Encrypt(to Address, body []byte) (envelope []byte, err error) {
	padded, err := encodeBody(body)
	if err == nil {
		err = d.change(func(dr *draft) error {
			envelope, err = dr.encrypt(to, padded)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt for %s: %w", to, err)
	}
	return envelope, nil
}

func (d *draft) encrypt(to Address, padded []byte) ([]byte, error) {
	switch there, err := d.ContainsSession(context.Background(), to.signal()); {
	case err != nil:
		return nil, err
	case !there:
		return nil, ErrNoSession
	}
	builder := session.NewBuilderFromSignal(d, to.signal(), serializer)
	message, err := session.NewCipher(builder, to.signal()).Encrypt(context.Background(), padded)
	if err != nil {
		return nil, err
	}
	if message.Type() == protocol.PREKEY_TYPE {
		return seal(KindPreKey, message.Serialize()), nil
	}
	return seal(KindWhisper, message.Serialize()), nil
}

// Decrypt opens an envelope that Encrypt of the device from has made for this
// one. ErrDuplicate, ErrUndecryptable, ErrNoSession, ErrMalformed and
// *KeyChanged change nothing; after the last, Accept and Decrypt again.
func (d *Device) Decrypt(from Address, envelope []byte) (message Message, err error) {
	err = d.change(func(dr *draft) error {
		if err := dr.notSelf(from); err != nil {
			return err
		}
		padded, err := dr.decrypt(from, envelope)
		if err != nil {
			return err
		}
		content, err := decodeContent(padded)
		if err != nil {
			return err
		}
		if content.group == "" {
			message.Body = content.bytes
			return nil
		}
		message.GroupKey = content.group
		return dr.takeGroupKey(content.group, from, content.bytes)
	})
	if err != nil {
		return Message{}, fmt.Errorf("decrypt a message of %s: %w", from, err)
	}
	return message, nil
}

func (d *draft) decrypt(from Address, envelope []byte) ([]byte, error) {
	kind, err := KindOf(envelope)
	if err != nil {
		return nil, err
	}
	ctx, sender := context.Background(), from.signal()
	switch kind {
	case KindPreKey:
		message, err := protocol.NewPreKeySignalMessageFromBytes(envelope[2:], serializer.PreKeySignalMessage, serializer.SignalMessage)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		sessions, err := d.LoadSession(ctx, sender)
		if err != nil {
			return nil, err
		}
		used, err := session.NewBuilderFromSignal(d, sender, serializer).Process(ctx, sessions, message)
		switch {
		case errors.Is(err, signalerror.ErrNoOneTimeKeyFound), errors.Is(err, signalerror.ErrNoSignedPreKey):
			return nil, fmt.Errorf("%w: %w", ErrUndecryptable, err)
		case err != nil:
			return nil, err
		}
		if !used.IsEmpty {
			_ = d.RemovePreKey(ctx, used.Value)
		}
		return d.try(from, sessions.Structure(), message.WhisperMessage())
	case KindWhisper:
		message, err := protocol.NewSignalMessageFromBytes(envelope[2:], serializer.SignalMessage)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		stored, err := d.get(keySession + from.String())
		if err != nil {
			return nil, err
		}
		if stored == nil {
			return nil, ErrNoSession
		}
		sessions, err := serializer.Session.Deserialize(stored)
		if err != nil {
			return nil, err
		}
		return d.try(from, sessions, message)
	}
	return nil, fmt.Errorf("%w: an envelope to a group", ErrMalformed)
}

// try decrypts with the current session or, when two devices have started one
// with each other at the same time, with an earlier one, which becomes the
// current one. So both sides settle on one of them.
//
// The library's own Cipher.Decrypt tries them on their only copy: a message of
// an earlier session turns the ratchet of the current one before its MAC says
// that it doesn't belong there, and whatever comes in that session later is
// lost (TestSimultaneousStart finds it). Here each trial has its own copy.
func (d *draft) try(from Address, sessions *record.SessionStructure, message *protocol.SignalMessage) ([]byte, error) {
	ctx := context.Background()
	cipher := session.NewCipherFromSession(from.signal(), d, d, d, serializer.PreKeySignalMessage, serializer.SignalMessage)
	all := append([]*record.StateStructure{sessions.SessionState}, sessions.PreviousStates...)
	for i, structure := range all {
		state, err := record.NewStateFromStructure(structure, serializer.State)
		if err != nil {
			return nil, err
		}
		plain, _, err := cipher.DecryptWithState(ctx, state, message)
		if errors.Is(err, signalerror.ErrOldCounter) {
			return nil, ErrDuplicate // the chain is this session's: no other can have it
		}
		if err != nil {
			continue
		}
		if _, err := d.IsTrustedIdentity(ctx, from.signal(), state.RemoteIdentityKey()); err != nil {
			return nil, err
		}
		now := record.NewSessionFromState(state, serializer.Session).Structure()
		now.PreviousStates = slices.Delete(all, i, i+1)
		d.put(keySession+from.String(), serializer.Session.Serialize(now))
		return plain, nil
	}
	return nil, ErrUndecryptable
}

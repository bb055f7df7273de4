package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.mau.fi/libsignal/groups"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/signalerror"
)

// A GroupMessage is one envelope for all of a group's devices and, for those
// that don't have the sender's key yet, the envelopes that bring it. The server
// hands these out first, or keeps the order: both are the sender's own messages.
type GroupMessage struct {
	Envelope []byte
	Keys     []Sealed
}

// Sealed is an envelope for one device, for its Decrypt.
type Sealed struct {
	To       Address `json:"to"`
	Envelope []byte  `json:"envelope"`
}

// EncryptGroup encrypts once for all devices of a group, which the caller
// lists; its own may be among them. Whoever is new gets the sender key as it
// stands, so that they can't read what was before. When somebody who has the
// key is no longer listed, because they left or the device was revoked, a new
// key is made and given to the rest, so that they can't read what comes.
// *MissingSessions when there are devices that the key can't be sent to.
func (d *Device) EncryptGroup(group string, devices []Address, body []byte) (message GroupMessage, err error) {
	padded, err := encodeBody(body)
	if err == nil {
		err = d.change(func(dr *draft) error {
			message, err = dr.encryptGroup(group, devices, padded)
			return err
		})
	}
	if err != nil {
		return GroupMessage{}, fmt.Errorf("encrypt for group %s: %w", group, err)
	}
	return message, nil
}

func (d *draft) encryptGroup(group string, devices []Address, padded []byte) (message GroupMessage, err error) {
	if group == "" {
		return message, errors.New("a group needs an id")
	}
	lacking, err := d.settleHolders(group, devices)
	if err != nil {
		return message, err
	}
	ctx, name := context.Background(), protocol.NewSenderKeyName(group, d.self.Address.signal())
	builder := groups.NewGroupSessionBuilder(d, serializer)
	distribution, err := builder.Create(ctx, name) // the key as it stands, or a new one
	if err != nil {
		return message, err
	}
	var missing []Address
	for _, to := range lacking {
		sealed, err := d.encrypt(to, encodeGroupKey(group, distribution.Serialize()))
		switch {
		case errors.Is(err, ErrNoSession):
			missing = append(missing, to)
		case err != nil:
			return message, fmt.Errorf("its key for %s: %w", to, err)
		}
		message.Keys = append(message.Keys, Sealed{To: to, Envelope: sealed})
	}
	if len(missing) > 0 {
		return message, &MissingSessions{Addresses: missing}
	}
	encrypted, err := groups.NewGroupCipher(builder, name, d).Encrypt(ctx, padded)
	if err != nil {
		return message, err
	}
	message.Envelope = seal(KindSenderKey, encrypted.(*protocol.SenderKeyMessage).SignedSerialize())
	return message, nil
}

// settleHolders notes that the devices are to have this device's sender key of
// the group, drops the key when others have it too, and returns the devices
// that don't have it yet.
func (d *draft) settleHolders(group string, devices []Address) (lacking []Address, err error) {
	var names []string
	byName := make(map[string]Address, len(devices))
	for _, device := range devices {
		if err := device.check(); err != nil {
			return nil, err
		}
		if device != d.self.Address {
			names = append(names, device.String())
			byName[names[len(names)-1]] = device
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	listed := strings.Join(names, "\n")
	stored, err := d.get(keyGroup + group)
	if err != nil || stored != nil && string(stored) == listed { // the usual case, in a group of thousands too
		return nil, err
	}
	holders := strings.Split(string(stored), "\n")
	for _, holder := range holders {
		if _, still := byName[holder]; stored != nil && holder != "" && !still {
			d.dropGroupKey(group)
			holders = nil
			break
		}
	}
	for _, name := range names {
		if _, has := slices.BinarySearch(holders, name); !has {
			lacking = append(lacking, byName[name])
		}
	}
	d.put(keyGroup+group, []byte(listed))
	return lacking, nil
}

// dropGroupKey forgets this device's sender key of a group; the next message makes a new one.
func (d *draft) dropGroupKey(group string) {
	d.remove(keyGroup + group)
	d.remove(keyOfSender(group, d.self.Address))
}

func keyOfSender(group string, sender Address) string {
	return keySender + url.PathEscape(group) + "/" + sender.String()
}

// takeGroupKey keeps a key that its owner has sent. One that is here already
// stays: taking it again would turn it back, and let messages be repeated.
func (d *draft) takeGroupKey(group string, from Address, distribution []byte) error {
	message, err := protocol.NewSenderKeyDistributionMessageFromBytes(distribution, serializer.SenderKeyDistributionMessage)
	if err != nil {
		return fmt.Errorf("%w: a group key: %w", ErrMalformed, err)
	}
	ctx, name := context.Background(), protocol.NewSenderKeyName(group, from.signal())
	known, err := d.LoadSenderKey(ctx, name)
	if err != nil {
		return err
	}
	if _, err := known.GetSenderKeyStateByID(message.ID()); err == nil {
		return nil
	}
	return groups.NewGroupSessionBuilder(d, serializer).Process(ctx, name, message)
}

// DecryptGroup opens an envelope that EncryptGroup of the device from has made
// for this group. ErrNoGroupKey when Decrypt hasn't seen the key that it is
// encrypted with; otherwise as Decrypt. Whether from is in the group, this
// package doesn't know.
func (d *Device) DecryptGroup(group string, from Address, envelope []byte) (body []byte, err error) {
	err = d.change(func(dr *draft) error {
		if err := dr.notSelf(from); err != nil {
			return err
		}
		body, err = dr.decryptGroup(group, from, envelope)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("decrypt a message of %s to group %s: %w", from, group, err)
	}
	return body, nil
}

func (d *draft) decryptGroup(group string, from Address, envelope []byte) ([]byte, error) {
	switch kind, err := KindOf(envelope); {
	case err != nil:
		return nil, err
	case kind != KindSenderKey:
		return nil, fmt.Errorf("%w: an envelope to one device", ErrMalformed)
	}
	message, err := protocol.NewSenderKeyMessageFromBytes(envelope[2:], serializer.SenderKeyMessage)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	builder := groups.NewGroupSessionBuilder(d, serializer)
	padded, err := groups.NewGroupCipher(builder, protocol.NewSenderKeyName(group, from.signal()), d).Decrypt(context.Background(), message)
	switch {
	case errors.Is(err, signalerror.ErrNoSenderKeyForUser), errors.Is(err, signalerror.ErrNoSenderKeyStateForID):
		return nil, ErrNoGroupKey
	case errors.Is(err, signalerror.ErrOldCounter):
		return nil, ErrDuplicate
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUndecryptable, err)
	}
	content, err := decodeContent(padded)
	if err == nil && content.group != "" {
		return nil, fmt.Errorf("%w: a group key sent to a group", ErrMalformed)
	}
	return content.bytes, err
}

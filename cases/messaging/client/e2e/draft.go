package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mau.fi/libsignal/ecc"
	grouprecord "go.mau.fi/libsignal/groups/state/record"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/serialize"
	"go.mau.fi/libsignal/state/record"
	"go.mau.fi/libsignal/state/store"
)

// serializer writes messages in the Signal protocol's own encoding, and state as JSON.
var serializer = serialize.NewProtoBufSerializer()

// Where things stand in the Store.
const (
	keySelf     = "self"
	keyPreKey   = "prekey/"   // + id
	keySigned   = "signed/"   // + id
	keySession  = "session/"  // + address
	keyIdentity = "identity/" // + address
	keySender   = "sender/"   // + group + "/" + address
	keyGroup    = "group/"    // + group: who has this device's sender key
)

// A draft is one call's view of the Store: it reads through and keeps what is
// written to itself until commit. The protocol library stores in the middle of
// its work, for example an identity key before the message that brings it is
// known to be genuine; whatever fails afterwards must leave no trace.
//
// It is what the library calls a store, whose methods it names.
type draft struct {
	store    Store
	self     self
	identity *identity.KeyPair
	changes  map[string][]byte
}

var _ store.SignalProtocol = (*draft)(nil)

func (d *draft) get(key string) ([]byte, error) {
	if value, ok := d.changes[key]; ok {
		return value, nil
	}
	return d.store.Get(key)
}

func (d *draft) put(key string, value []byte) { d.changes[key] = value }

func (d *draft) remove(key string) { d.changes[key] = nil }

// keys are the keys with the prefix, in no order.
func (d *draft) keys(prefix string) ([]string, error) {
	stored, err := d.store.Keys(prefix)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, key := range stored {
		all[key] = true
	}
	for key, value := range d.changes {
		if strings.HasPrefix(key, prefix) {
			all[key] = value != nil
		}
	}
	maps.DeleteFunc(all, func(_ string, there bool) bool { return !there })
	var keys []string
	for key := range all {
		keys = append(keys, key)
	}
	return keys, nil
}

func (d *draft) putSelf() error {
	value, err := json.Marshal(d.self)
	d.put(keySelf, value)
	return err
}

func (d *draft) commit() error {
	if len(d.changes) == 0 {
		return nil
	}
	return d.store.Apply(d.changes)
}

func (d *draft) GetIdentityKeyPair() *identity.KeyPair { return d.identity }
func (d *draft) GetLocalRegistrationID() uint32        { return d.self.RegistrationID }

func (d *draft) SaveIdentity(_ context.Context, of *protocol.SignalAddress, key *identity.Key) error {
	known, err := d.get(keyIdentity + addressOf(of).String())
	if err == nil && !bytes.Equal(known, key.Serialize()) {
		d.put(keyIdentity+addressOf(of).String(), key.Serialize())
	}
	return err
}

// IsTrustedIdentity trusts on first use. Its error, rather than false, carries both keys.
func (d *draft) IsTrustedIdentity(_ context.Context, of *protocol.SignalAddress, key *identity.Key) (bool, error) {
	known, err := d.get(keyIdentity + addressOf(of).String())
	if err != nil {
		return false, err
	}
	if known != nil && !bytes.Equal(known, key.Serialize()) {
		return false, &KeyChanged{Address: addressOf(of), Known: known, Now: key.Serialize()}
	}
	return true, nil
}

// pairBytes is a key pair as it is kept: the private half, and the point of the
// public one. The library's own encoding brings back another public key: it
// takes the type byte for the first of the point.
func pairBytes(pair *ecc.ECKeyPair) []byte {
	private, public := pair.PrivateKey().Serialize(), pair.PublicKey().PublicKey()
	return slices.Concat(private[:], public[:])
}

func pairOf(kept []byte) *ecc.ECKeyPair {
	return ecc.NewECKeyPair(ecc.NewDjbECPublicKey([32]byte(kept[32:64])), ecc.NewDjbECPrivateKey([32]byte(kept[:32])))
}

func numbered(prefix string, id uint32) string { return fmt.Sprintf("%s%d", prefix, id) }

func (d *draft) LoadPreKey(_ context.Context, id uint32) (*record.PreKey, error) {
	value, err := d.get(numbered(keyPreKey, id))
	if err != nil || value == nil {
		return nil, err
	}
	return record.NewPreKey(id, pairOf(value), serializer.PreKeyRecord), nil
}

func (d *draft) StorePreKey(_ context.Context, id uint32, key *record.PreKey) error {
	d.put(numbered(keyPreKey, id), pairBytes(key.KeyPair()))
	return nil
}

func (d *draft) ContainsPreKey(_ context.Context, id uint32) (bool, error) {
	value, err := d.get(numbered(keyPreKey, id))
	return value != nil, err
}

func (d *draft) RemovePreKey(_ context.Context, id uint32) error {
	d.remove(numbered(keyPreKey, id))
	return nil
}

func (d *draft) LoadSignedPreKey(_ context.Context, id uint32) (*record.SignedPreKey, error) {
	value, err := d.get(numbered(keySigned, id))
	if err != nil || value == nil {
		return nil, err
	}
	made := int64(binary.BigEndian.Uint64(value[128:]))
	return record.NewSignedPreKey(id, made, pairOf(value), [64]byte(value[64:128]), serializer.SignedPreKeyRecord), nil
}

func (d *draft) LoadSignedPreKeys(context.Context) ([]*record.SignedPreKey, error) {
	return nil, errors.ErrUnsupported // the library never asks
}

func (d *draft) StoreSignedPreKey(_ context.Context, id uint32, key *record.SignedPreKey) error {
	signature := key.Signature()
	value := slices.Concat(pairBytes(key.KeyPair()), signature[:])
	d.put(numbered(keySigned, id), binary.BigEndian.AppendUint64(value, uint64(key.Timestamp())))
	return nil
}

func (d *draft) ContainsSignedPreKey(_ context.Context, id uint32) (bool, error) {
	value, err := d.get(numbered(keySigned, id))
	return value != nil, err
}

func (d *draft) RemoveSignedPreKey(_ context.Context, id uint32) error {
	d.remove(numbered(keySigned, id))
	return nil
}

func (d *draft) LoadSession(_ context.Context, with *protocol.SignalAddress) (*record.Session, error) {
	value, err := d.get(keySession + addressOf(with).String())
	if err != nil {
		return nil, err
	}
	if value == nil {
		return record.NewSession(serializer.Session, serializer.State), nil
	}
	return record.NewSessionFromBytes(value, serializer.Session, serializer.State)
}

func (d *draft) StoreSession(_ context.Context, with *protocol.SignalAddress, session *record.Session) error {
	d.put(keySession+addressOf(with).String(), session.Serialize())
	return nil
}

func (d *draft) ContainsSession(_ context.Context, with *protocol.SignalAddress) (bool, error) {
	value, err := d.get(keySession + addressOf(with).String())
	return value != nil, err
}

func (d *draft) DeleteSession(_ context.Context, with *protocol.SignalAddress) error {
	d.remove(keySession + addressOf(with).String())
	return nil
}

func (d *draft) GetSubDeviceSessions(context.Context, string) ([]uint32, error) {
	return nil, errors.ErrUnsupported // the library never asks
}

func (d *draft) DeleteAllSessions(context.Context) error {
	return errors.ErrUnsupported // the library never asks
}

func senderKey(name *protocol.SenderKeyName) string {
	return keyOfSender(name.GroupID(), addressOf(name.Sender()))
}

func (d *draft) LoadSenderKey(_ context.Context, name *protocol.SenderKeyName) (*grouprecord.SenderKey, error) {
	value, err := d.get(senderKey(name))
	if err != nil {
		return nil, err
	}
	if value == nil {
		return grouprecord.NewSenderKey(serializer.SenderKeyRecord, serializer.SenderKeyState), nil
	}
	return grouprecord.NewSenderKeyFromBytes(value, serializer.SenderKeyRecord, serializer.SenderKeyState)
}

func (d *draft) StoreSenderKey(_ context.Context, name *protocol.SenderKeyName, key *grouprecord.SenderKey) error {
	d.put(senderKey(name), key.Serialize())
	return nil
}

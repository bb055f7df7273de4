package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/session"
	"go.mau.fi/libsignal/signalerror"
	"go.mau.fi/libsignal/state/record"
	"go.mau.fi/libsignal/util/keyhelper"
)

// OneTimeKeys is how many one-time prekeys a new device makes.
const OneTimeKeys = 100

// keepSigned is how many signed prekeys are kept, the current one included. At
// one rotation a week the oldest serves what was written to the device five
// weeks ago, while it was off.
const keepSigned = 6

// A Device is one device of one person. Its methods may be called
// concurrently; they run one after the other.
type Device struct {
	address Address
	key     *identity.KeyPair

	mu    sync.Mutex
	store Store
	self  self
}

// self is what a device is, as its Store keeps it.
type self struct {
	Address        Address  `json:"address"`
	RegistrationID uint32   `json:"registrationId"`
	Private        []byte   `json:"private"` // of the identity key pair
	NextPreKey     uint32   `json:"nextPreKey"`
	Signed         []uint32 `json:"signed"` // ids of the signed prekeys, the current one last
}

func (s self) identity() *identity.KeyPair {
	pair := ecc.CreateKeyPair(s.Private)
	return identity.NewKeyPair(identity.NewKey(pair.PublicKey()), pair.PrivateKey())
}

// Create makes a new device, with all its keys, in an empty Store.
func Create(store Store, address Address, now time.Time) (*Device, error) {
	if err := address.check(); err != nil {
		return nil, err
	}
	if known, err := store.Get(keySelf); err != nil {
		return nil, err
	} else if known != nil {
		return nil, fmt.Errorf("create device %s: the store has a device already", address)
	}
	pair, err := keyhelper.GenerateIdentityKeyPair()
	if err != nil {
		return nil, fmt.Errorf("create device %s: %w", address, err)
	}
	private := pair.PrivateKey().Serialize()
	d := &Device{address: address, key: pair, store: store, self: self{
		Address: address, RegistrationID: keyhelper.GenerateRegistrationID(), Private: private[:], NextPreKey: 1,
	}}
	err = d.change(func(dr *draft) error {
		pair, err := ecc.GenerateKeyPair()
		if err != nil {
			return err
		}
		_ = dr.StorePreKey(context.Background(), lastResort, record.NewPreKey(lastResort, pair, serializer.PreKeyRecord))
		if _, err := dr.addPreKeys(OneTimeKeys); err != nil {
			return err
		}
		_, err = dr.rotateSigned(now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create device %s: %w", address, err)
	}
	return d, nil
}

// ErrNoDevice says that a Store is empty.
var ErrNoDevice = errors.New("there is no device in this store")

// Open returns the device that Create has made in this Store.
func Open(store Store) (*Device, error) {
	value, err := store.Get(keySelf)
	if err != nil {
		return nil, fmt.Errorf("open a device: %w", err)
	}
	if value == nil {
		return nil, ErrNoDevice
	}
	d := &Device{store: store}
	if err := json.Unmarshal(value, &d.self); err != nil {
		return nil, fmt.Errorf("open a device: %w: %w", ErrMalformed, err)
	}
	d.address, d.key = d.self.Address, d.self.identity()
	return d, nil
}

// Address is whose device it is.
func (d *Device) Address() Address { return d.address }

// IdentityKey is the device's public identity key.
func (d *Device) IdentityKey() []byte { return d.key.PublicKey().Serialize() }

// change runs one call on a draft and commits it when the call succeeds.
func (d *Device) change(call func(*draft) error) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer guard(&err)
	self := d.self
	self.Signed = slices.Clone(self.Signed)
	dr := &draft{store: d.store, self: self, identity: d.key, changes: map[string][]byte{}}
	if err := call(dr); err != nil {
		return err
	}
	if err := dr.commit(); err != nil {
		return err
	}
	d.self = dr.self
	return nil
}

// PublicKeys returns everything that is to be published when the device is new.
// One-time keys that have been used are not among them.
func (d *Device) PublicKeys() (keys PublicKeys, err error) {
	err = d.change(func(dr *draft) error {
		keys = PublicKeys{RegistrationID: d.self.RegistrationID, IdentityKey: d.IdentityKey()}
		if keys.SignedPreKey, err = dr.signed(); err != nil {
			return err
		}
		last, err := dr.LoadPreKey(context.Background(), lastResort)
		if err != nil {
			return err
		}
		keys.LastResort = public(last)
		for id := uint32(1); id < d.self.NextPreKey; id++ {
			key, err := dr.LoadPreKey(context.Background(), id)
			if err != nil {
				return err
			}
			if key != nil {
				keys.OneTime = append(keys.OneTime, public(key))
			}
		}
		return nil
	})
	return keys, err
}

// AddPreKeys makes n more one-time prekeys, for a server that runs out of them.
func (d *Device) AddPreKeys(n int) (added []PreKey, err error) {
	err = d.change(func(dr *draft) error {
		added, err = dr.addPreKeys(n)
		return err
	})
	return added, err
}

// RotateSignedPreKey makes a new signed prekey, about once a week. Older ones
// go on serving those who have got them, for a month.
func (d *Device) RotateSignedPreKey(now time.Time) (key SignedPreKey, err error) {
	err = d.change(func(dr *draft) error {
		key, err = dr.rotateSigned(now)
		return err
	})
	return key, err
}

// StartSession begins a session with a device, by its bundle. It may also
// replace a session that one side has lost. *KeyChanged when the bundle has
// another identity key than the one that is known.
func (d *Device) StartSession(with Address, bundle Bundle) error {
	err := d.change(func(dr *draft) error {
		if err := dr.notSelf(with); err != nil {
			return err
		}
		checked, err := bundle.signal(with)
		if err != nil {
			return err
		}
		err = session.NewBuilderFromSignal(dr, with.signal(), serializer).ProcessBundle(context.Background(), checked)
		if errors.Is(err, signalerror.ErrInvalidSignature) {
			return fmt.Errorf("%w: the signed prekey is not signed by the identity key", ErrMalformed)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("start a session with %s: %w", with, err)
	}
	return nil
}

// notSelf keeps a device from having a session with itself. Whoever made it
// believe in one could replace its own sender keys.
func (d *draft) notSelf(other Address) error {
	if other == d.self.Address {
		return errors.New("this is the device itself")
	}
	return other.check()
}

// HasSession reports whether Encrypt can be called.
func (d *Device) HasSession(with Address) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, err := d.store.Get(keySession + with.String())
	return value != nil, err
}

func public(key *record.PreKey) PreKey {
	return PreKey{ID: key.ID().Value, Key: key.KeyPair().PublicKey().Serialize()}
}

func (d *draft) addPreKeys(n int) (added []PreKey, err error) {
	for range n {
		pair, err := ecc.GenerateKeyPair()
		if err != nil {
			return nil, err
		}
		key := record.NewPreKey(d.self.NextPreKey, pair, serializer.PreKeyRecord)
		if d.self.NextPreKey++; d.self.NextPreKey == lastResort {
			return nil, fmt.Errorf("a device can make %d one-time keys, and this one has: set up a new one", lastResort-1)
		}
		_ = d.StorePreKey(context.Background(), key.ID().Value, key)
		added = append(added, public(key))
	}
	return added, d.putSelf()
}

func (d *draft) rotateSigned(now time.Time) (SignedPreKey, error) {
	pair, err := ecc.GenerateKeyPair()
	if err != nil {
		return SignedPreKey{}, err
	}
	id := uint32(1)
	if n := len(d.self.Signed); n > 0 {
		id = d.self.Signed[n-1] + 1
	}
	signature := ecc.CalculateSignature(d.identity.PrivateKey(), pair.PublicKey().Serialize())
	_ = d.StoreSignedPreKey(context.Background(), id,
		record.NewSignedPreKey(id, now.Unix(), pair, signature, serializer.SignedPreKeyRecord))
	d.self.Signed = append(d.self.Signed, id)
	for len(d.self.Signed) > keepSigned {
		_ = d.RemoveSignedPreKey(context.Background(), d.self.Signed[0])
		d.self.Signed = d.self.Signed[1:]
	}
	if err := d.putSelf(); err != nil {
		return SignedPreKey{}, err
	}
	return d.signed()
}

// signed is the current signed prekey.
func (d *draft) signed() (SignedPreKey, error) {
	id := d.self.Signed[len(d.self.Signed)-1]
	key, err := d.LoadSignedPreKey(context.Background(), id)
	if err != nil {
		return SignedPreKey{}, err
	}
	signature := key.Signature()
	return SignedPreKey{PreKey: PreKey{ID: id, Key: key.KeyPair().PublicKey().Serialize()}, Signature: signature[:]}, nil
}

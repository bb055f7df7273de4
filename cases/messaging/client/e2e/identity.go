package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Accept takes the identity key of a KeyChanged, which a person has agreed to,
// as the device's own from now on. What the old key's owner could still read
// ends with it: the session, and this device's sender key of each group that
// they were in. Accepted once more it changes nothing: the session is the new key's.
func (d *Device) Accept(changed *KeyChanged) error {
	if _, err := point("identity key", changed.Now); err != nil {
		return err
	}
	return d.change(func(dr *draft) error {
		known, err := dr.get(keyIdentity + changed.Address.String())
		if err != nil || bytes.Equal(known, changed.Now) {
			return err
		}
		if err := dr.forget(changed.Address); err != nil {
			return err
		}
		dr.put(keyIdentity+changed.Address.String(), changed.Now)
		return nil
	})
}

// Forget is for a device that was signed out or is no longer trusted: nothing
// of it is known any more, and the next message to each of its groups is
// encrypted with a new key.
func (d *Device) Forget(device Address) error {
	return d.change(func(dr *draft) error { return dr.forget(device) })
}

func (d *draft) forget(device Address) error {
	name := device.String()
	d.remove(keySession + name)
	d.remove(keyIdentity + name)
	theirs, err := d.keys(keySender)
	if err != nil {
		return err
	}
	for _, key := range theirs {
		if strings.HasSuffix(key, "/"+name) {
			d.remove(key)
		}
	}
	groups, err := d.keys(keyGroup)
	if err != nil {
		return err
	}
	for _, key := range groups {
		holders, err := d.get(key)
		if err != nil {
			return err
		}
		if slices.Contains(strings.Split(string(holders), "\n"), name) {
			d.dropGroupKey(strings.TrimPrefix(key, keyGroup))
		}
	}
	return nil
}

// Known returns the identity keys that this device knows of a person, by
// device, its own included.
func (d *Device) Known(user string) (map[Address][]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	prefix := keyIdentity + strings.TrimSuffix(Address{User: user}.String(), "0")
	keys, err := d.store.Keys(prefix)
	if err != nil {
		return nil, err
	}
	known := map[Address][]byte{}
	for _, key := range keys {
		address, err := ParseAddress(strings.TrimPrefix(key, keyIdentity))
		if err != nil {
			return nil, err
		}
		if known[address], err = d.store.Get(key); err != nil {
			return nil, err
		}
	}
	if user == d.address.User {
		known[d.address] = d.IdentityKey()
	}
	return known, nil
}

// SafetyNumber is what this device's user and another compare, in person or on
// the phone: equal on both sides when each knows the same devices of both with
// the same keys, and another one as soon as any of them changes.
func (d *Device) SafetyNumber(with string) (string, error) {
	ours, err := d.Known(d.address.User)
	if err != nil {
		return "", err
	}
	theirs, err := d.Known(with)
	if err != nil {
		return "", err
	}
	if len(theirs) == 0 {
		return "", fmt.Errorf("safety number with %s: %w", with, ErrNoSession)
	}
	return SafetyNumber(d.address.User, sorted(ours), with, sorted(theirs)), nil
}

func sorted(known map[Address][]byte) (keys [][]byte) {
	for _, key := range known {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, bytes.Compare)
	return keys
}

package e2e_test

import (
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/messaging/client/e2e"
)

// tb is what tests, benchmarks and properties have in common.
type tb interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

var (
	_ tb = (*testing.T)(nil)
	_ tb = (*rapid.T)(nil)
)

// monday is when every device of the tests was set up.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func address(user string, device uint32) e2e.Address { return e2e.Address{User: user, Device: device} }

func newDevice(t tb, user string, number uint32) *e2e.Device {
	t.Helper()
	d, err := e2e.Create(e2e.NewMemory(), address(user, number), monday)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A cast is people whose devices are made once and then begin anew, as they
// were, for each run of a property: a hundred keys take their time.
type cast map[string][]byte

func (c cast) enter(t tb, user string) *e2e.Device {
	t.Helper()
	if c[user] == nil {
		store := e2e.NewMemory()
		if _, err := e2e.Create(store, address(user, 1), monday); err != nil {
			t.Fatal(err)
		}
		exported, err := store.Export()
		if err != nil {
			t.Fatal(err)
		}
		c[user] = exported
	}
	store, err := e2e.Import(c[user])
	if err != nil {
		t.Fatal(err)
	}
	d, err := e2e.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// given counts one-time keys, so that two who ask get two.
var given atomic.Uint32

// bundle is what the prekey server would give out: a one-time key that nobody has got.
func bundle(t tb, d *e2e.Device) e2e.Bundle {
	t.Helper()
	keys, err := d.PublicKeys()
	if err != nil {
		t.Fatal(err)
	}
	b := e2e.Bundle{RegistrationID: keys.RegistrationID, IdentityKey: keys.IdentityKey, SignedPreKey: keys.SignedPreKey}
	if len(keys.OneTime) > 0 {
		b.PreKey = &keys.OneTime[int(given.Add(1))%len(keys.OneTime)]
	}
	return b
}

// start begins a session from one device to others.
func start(t tb, from *e2e.Device, others ...*e2e.Device) {
	t.Helper()
	for _, other := range others {
		if err := from.StartSession(other.Address(), bundle(t, other)); err != nil {
			t.Fatal(err)
		}
	}
}

func encrypt(t tb, from, to *e2e.Device, body string) []byte {
	t.Helper()
	envelope, err := from.Encrypt(to.Address(), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

// reads fails the test unless the envelope says want.
func reads(t tb, d, from *e2e.Device, envelope []byte, want string) {
	t.Helper()
	message, err := d.Decrypt(from.Address(), envelope)
	if err != nil {
		t.Fatal(err)
	}
	if string(message.Body) != want {
		t.Fatalf("%s read %q of %s, who wrote %q", d.Address(), message.Body, from.Address(), want)
	}
}

// talking are two devices that have answered each other.
func talking(t tb) (alice, bob *e2e.Device) {
	return acquaint(t, newDevice(t, "alice", 1), newDevice(t, "bob", 1))
}

// acquaint lets two devices greet each other.
func acquaint(t tb, alice, bob *e2e.Device) (_, _ *e2e.Device) {
	t.Helper()
	start(t, alice, bob)
	reads(t, bob, alice, encrypt(t, alice, bob, "hello"), "hello")
	reads(t, alice, bob, encrypt(t, bob, alice, "hello yourself"), "hello yourself")
	return alice, bob
}

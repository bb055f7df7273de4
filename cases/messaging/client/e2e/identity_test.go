package e2e_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"designkits/cases/messaging/client/e2e"
)

func TestAChangedKeyStopsBothUntilItIsAccepted(t *testing.T) {
	alice, bob := talking(t)
	old := encrypt(t, bob, alice, "from the old phone")
	anew := newDevice(t, "bob", 1) // the same address, another key

	var changed *e2e.KeyChanged
	if err := alice.StartSession(anew.Address(), bundle(t, anew)); !errors.As(err, &changed) {
		t.Fatalf("a bundle with another key: %v", err)
	}
	if changed.Address != bob.Address() || !bytes.Equal(changed.Known, bob.IdentityKey()) || !bytes.Equal(changed.Now, anew.IdentityKey()) {
		t.Errorf("the warning says %+v", changed)
	}
	start(t, anew, alice)
	first := encrypt(t, anew, alice, "my new phone")
	if _, err := alice.Decrypt(anew.Address(), first); !errors.As(err, &changed) {
		t.Fatalf("a message with another key: %v", err)
	}
	before, err := alice.SafetyNumber("bob")
	if err != nil {
		t.Fatal(err)
	}
	if err := alice.Accept(changed); err != nil {
		t.Fatal(err)
	}
	reads(t, alice, anew, first, "my new phone")
	reads(t, anew, alice, encrypt(t, alice, anew, "nice"), "nice")
	if _, err := alice.Decrypt(bob.Address(), old); err == nil {
		t.Error("the old key is read after the new one was accepted")
	}
	if after, err := alice.SafetyNumber("bob"); err != nil || after == before {
		t.Errorf("the safety number is the same with another key: %s, %v", after, err)
	}
}

func TestAThirdKeyIsNotTheOneThatWasAccepted(t *testing.T) {
	alice, _ := talking(t)
	anew, mallory := newDevice(t, "bob", 1), newDevice(t, "bob", 1)
	var changed *e2e.KeyChanged
	if err := alice.StartSession(anew.Address(), bundle(t, anew)); !errors.As(err, &changed) {
		t.Fatal(err)
	}
	if err := alice.Accept(changed); err != nil {
		t.Fatal(err)
	}
	if err := alice.StartSession(mallory.Address(), bundle(t, mallory)); !errors.As(err, &changed) {
		t.Fatalf("another key than the accepted one: %v", err)
	}
	start(t, alice, anew)
	reads(t, anew, alice, encrypt(t, alice, anew, "hi"), "hi")
}

func TestADeviceThatLostItsStateComesBackWithANewSession(t *testing.T) {
	alice, bob := talking(t)
	if err := alice.Forget(bob.Address()); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Decrypt(bob.Address(), encrypt(t, bob, alice, "hello?")); !errors.Is(err, e2e.ErrNoSession) {
		t.Fatalf("without its session: %v", err)
	}
	start(t, alice, bob)
	reads(t, bob, alice, encrypt(t, alice, bob, "I have lost the thread"), "I have lost the thread")
	reads(t, alice, bob, encrypt(t, bob, alice, "here it is"), "here it is")
}

func TestSafetyNumbersAreTheSameOnBothSides(t *testing.T) {
	alice, phone, tablet := newDevice(t, "alice", 1), newDevice(t, "bob", 1), newDevice(t, "bob", 2)
	start(t, alice, phone)
	reads(t, phone, alice, encrypt(t, alice, phone, "hi"), "hi")
	number := func(d *e2e.Device, with string) string {
		t.Helper()
		n, err := d.SafetyNumber(with)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	one := number(alice, "bob")
	if other := number(phone, "alice"); one != other || len(one) != 71 {
		t.Fatalf("Alice sees %q, Bob %q", one, other)
	}
	start(t, alice, tablet)
	reads(t, tablet, alice, encrypt(t, alice, tablet, "hi"), "hi")
	if two := number(alice, "bob"); two == one || two == number(phone, "alice") {
		t.Error("a device of Bob's that only Alice knows doesn't show")
	}
	start(t, phone, tablet)
	reads(t, tablet, phone, encrypt(t, phone, tablet, "linked"), "linked")
	two := number(alice, "bob")
	if phone, tablet := number(phone, "alice"), number(tablet, "alice"); two != phone || two != tablet {
		t.Errorf("Alice sees %q, Bob's phone %q, his tablet %q", two, phone, tablet)
	}
	if err := alice.Forget(tablet.Address()); err != nil {
		t.Fatal(err)
	}
	if number(alice, "bob") != one {
		t.Error("without the tablet it isn't what it was")
	}
	if _, err := alice.SafetyNumber("carol"); !errors.Is(err, e2e.ErrNoSession) {
		t.Errorf("with a stranger: %v", err)
	}
}

// TestSafetyNumberIsSignals compares with the vector of libsignal's own
// NumericFingerprintGeneratorTest, version 1.
func TestSafetyNumberIsSignals(t *testing.T) {
	key := func(text string) [][]byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return [][]byte{b}
	}
	alice := key("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868")
	bob := key("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b")
	const want = "30035 44776 92869 39689 28698 76765 45825 75691 62576 84344 09180 79131"
	for _, got := range []string{
		e2e.SafetyNumber("+14152222222", alice, "+14153333333", bob),
		e2e.SafetyNumber("+14153333333", bob, "+14152222222", alice),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAddressesAreNotMistakenForEachOther(t *testing.T) {
	alice := newDevice(t, "alice", 1)
	for _, user := range []string{"bob", "bob:1", "bob/1", "b%6Fb", "bob\n", "группа"} {
		other := newDevice(t, user, 11)
		if a, err := e2e.ParseAddress(other.Address().String()); err != nil || a != other.Address() {
			t.Errorf("%q became %v, %v", user, a, err)
		}
		start(t, alice, other)
		known, err := alice.Known(user)
		if err != nil || len(known) != 1 || !bytes.Equal(known[other.Address()], other.IdentityKey()) {
			t.Errorf("%q: known %v, %v", user, known, err)
		}
	}
	for _, bad := range []string{"", "bob", "bob:0", ":1", "bob:x", "%zz:1"} {
		if a, err := e2e.ParseAddress(bad); err == nil {
			t.Errorf("%q was read as %v", bad, a)
		}
	}
}

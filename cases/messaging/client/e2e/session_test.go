package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/messaging/client/e2e"
)

func TestFirstMessageToSomebodyWhoIsOffline(t *testing.T) {
	alice, bob := newDevice(t, "alice", 1), newDevice(t, "bob", 1)
	if _, err := alice.Encrypt(bob.Address(), []byte("?")); !errors.Is(err, e2e.ErrNoSession) {
		t.Fatalf("encrypting without a session: %v", err)
	}
	start(t, alice, bob)
	first, second := encrypt(t, alice, bob, "one"), encrypt(t, alice, bob, "two")
	for _, envelope := range [][]byte{first, second} {
		if kind, err := e2e.KindOf(envelope); kind != e2e.KindPreKey || err != nil {
			t.Fatalf("before an answer an envelope is of kind %d: %v", kind, err)
		}
		if bytes.Contains(envelope, []byte("one")) {
			t.Fatal("the envelope shows its plaintext")
		}
	}
	reads(t, bob, alice, second, "two")
	reads(t, bob, alice, first, "one")
	answer := encrypt(t, bob, alice, "three")
	if kind, _ := e2e.KindOf(answer); kind != e2e.KindWhisper {
		t.Fatalf("the answer is of kind %d", kind)
	}
	reads(t, alice, bob, answer, "three")
	if kind, _ := e2e.KindOf(encrypt(t, alice, bob, "four")); kind != e2e.KindWhisper {
		t.Fatalf("after the answer an envelope is of kind %d", kind)
	}
}

func TestOneTimeKeysServeOnceAndTheLastResortAlways(t *testing.T) {
	bob := newDevice(t, "bob", 1)
	once, keys := bundle(t, bob), published(t, bob)
	resort := once
	resort.PreKey = &keys.LastResort
	without := once
	without.PreKey = nil
	for i, b := range []e2e.Bundle{once, resort, resort, without} {
		writer := newDevice(t, fmt.Sprintf("writer %d", i), 1)
		if err := writer.StartSession(bob.Address(), b); err != nil {
			t.Fatal(err)
		}
		reads(t, bob, writer, encrypt(t, writer, bob, "hi"), "hi")
	}
	if left := published(t, bob).OneTime; len(left) != e2e.OneTimeKeys-1 ||
		slices.ContainsFunc(left, func(k e2e.PreKey) bool { return k.ID == once.PreKey.ID }) {
		t.Errorf("%d one-time keys are left, with the one that was used", len(left))
	}
	late := newDevice(t, "late", 1)
	if err := late.StartSession(bob.Address(), once); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.Decrypt(late.Address(), encrypt(t, late, bob, "hi")); !errors.Is(err, e2e.ErrUndecryptable) {
		t.Errorf("a one-time key served twice: %v", err)
	}
	added, err := bob.AddPreKeys(3)
	if err != nil || len(added) != 3 || added[0].ID != e2e.OneTimeKeys+1 {
		t.Errorf("added %v, %v", added, err)
	}
}

func published(t tb, d *e2e.Device) e2e.PublicKeys {
	t.Helper()
	keys, err := d.PublicKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestASignedPreKeyServesForAMonthAfterItsRotation(t *testing.T) {
	bob := newDevice(t, "bob", 1)
	old := bundle(t, bob)
	old.PreKey = nil
	write := func(user string) error {
		writer := newDevice(t, user, 1)
		if err := writer.StartSession(bob.Address(), old); err != nil {
			t.Fatal(err)
		}
		_, err := bob.Decrypt(writer.Address(), encrypt(t, writer, bob, "hi"))
		return err
	}
	for week := 1; week <= 5; week++ {
		key, err := bob.RotateSignedPreKey(monday.Add(time.Duration(week) * 7 * 24 * time.Hour))
		if err != nil || key.ID != old.SignedPreKey.ID+uint32(week) {
			t.Fatalf("week %d: key %d, %v", week, key.ID, err)
		}
		if err := write(fmt.Sprintf("week %d", week)); err != nil {
			t.Fatalf("week %d: %v", week, err)
		}
	}
	if _, err := bob.RotateSignedPreKey(monday); err != nil {
		t.Fatal(err)
	}
	if err := write("too late"); !errors.Is(err, e2e.ErrUndecryptable) {
		t.Errorf("after six rotations: %v", err)
	}
}

// TestLostRepeatedAndReordered plays a conversation over a network that loses,
// repeats and reorders. Each message must be read exactly once, whenever it
// comes for the first time, unless five turns of the conversation have passed.
func TestLostRepeatedAndReordered(t *testing.T) {
	both := cast{}
	rapid.Check(t, func(t *rapid.T) {
		alice, bob := acquaint(t, both.enter(t, "alice"), both.enter(t, "bob"))
		people := []*e2e.Device{alice, bob}
		// What each has written that is still under way, and what has arrived.
		pending, arrived := [2][]letter{}, [2][]letter{}
		turn := [2]int{} // how often each has written after hearing something new
		heard := [2]bool{true, true}
		n := 0
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				who := rapid.IntRange(0, 1).Draw(t, "who")
				if heard[who] {
					turn[who]++
					heard[who] = false
				}
				n++
				body := fmt.Sprintf("message %d", n)
				pending[who] = append(pending[who], letter{encrypt(t, people[who], people[1-who], body), body, turn[who]})
			},
			"deliver": func(t *rapid.T) {
				if none(pending) {
					return
				}
				who, at := pick(t, pending)
				l := pending[who][at]
				pending[who] = slices.Delete(pending[who], at, at+1)
				if turn[who]-l.turn >= 4 {
					return // its chain may be gone: as if it were lost
				}
				reads(t, people[1-who], people[who], l.envelope, l.body)
				heard[1-who] = true
				arrived[who] = append(arrived[who], l)
			},
			"lose": func(t *rapid.T) {
				if none(pending) {
					return
				}
				who, at := pick(t, pending)
				pending[who] = slices.Delete(pending[who], at, at+1)
			},
			"repeat": func(t *rapid.T) {
				if none(arrived) {
					return
				}
				who, at := pick(t, arrived)
				l := arrived[who][at]
				_, err := people[1-who].Decrypt(people[who].Address(), l.envelope)
				if !errors.Is(err, e2e.ErrDuplicate) && (turn[who]-l.turn < 4 || !errors.Is(err, e2e.ErrUndecryptable)) {
					t.Fatalf("%q once more: %v", l.body, err)
				}
			},
			"alter": func(t *rapid.T) {
				if none(pending) {
					return
				}
				who, at := pick(t, pending)
				altered := slices.Clone(pending[who][at].envelope)
				altered[rapid.IntRange(0, len(altered)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
				m, err := people[1-who].Decrypt(people[who].Address(), altered)
				if err != nil {
					return
				}
				// The envelope has bits that carry nothing (half of the version
				// byte), or nothing of the body (the registration id).
				l := pending[who][at]
				if string(m.Body) != l.body {
					t.Fatalf("an altered %q was read as %q", l.body, m.Body)
				}
				pending[who] = slices.Delete(pending[who], at, at+1)
				heard[1-who] = true
				arrived[who] = append(arrived[who], l)
			},
		})
	})
}

type letter struct {
	envelope []byte
	body     string
	turn     int
}

// none reports whether neither has a letter.
func none(letters [2][]letter) bool { return len(letters[0])+len(letters[1]) == 0 }

// pick draws one of either's letters.
func pick(t *rapid.T, letters [2][]letter) (who, at int) {
	at = rapid.IntRange(0, len(letters[0])+len(letters[1])-1).Draw(t, "letter")
	if at < len(letters[0]) {
		return 0, at
	}
	return 1, at - len(letters[0])
}

// TestSimultaneousStart lets both begin a session before either has heard of
// the other, and shuffles what they write. All of it must be read.
func TestSimultaneousStart(t *testing.T) {
	both := cast{}
	rapid.Check(t, func(t *rapid.T) {
		alice, bob := both.enter(t, "alice"), both.enter(t, "bob")
		start(t, alice, bob)
		start(t, bob, alice)
		people, pending := []*e2e.Device{alice, bob}, [2][]letter{}
		for i := range rapid.IntRange(2, 12).Draw(t, "messages") {
			who := i % 2
			if i > 1 {
				who = rapid.IntRange(0, 1).Draw(t, "who")
			}
			body := fmt.Sprintf("message %d", i)
			pending[who] = append(pending[who], letter{envelope: encrypt(t, people[who], people[1-who], body), body: body})
			for range rapid.IntRange(0, 2).Draw(t, "deliveries") {
				if !none(pending) {
					who, at := pick(t, pending)
					reads(t, people[1-who], people[who], pending[who][at].envelope, pending[who][at].body)
					pending[who] = slices.Delete(pending[who], at, at+1)
				}
			}
		}
		for !none(pending) {
			who, at := pick(t, pending)
			reads(t, people[1-who], people[who], pending[who][at].envelope, pending[who][at].body)
			pending[who] = slices.Delete(pending[who], at, at+1)
		}
		for i := range 3 { // they have settled on one session, and it goes on
			reads(t, bob, alice, encrypt(t, alice, bob, fmt.Sprint("a", i)), fmt.Sprint("a", i))
			reads(t, alice, bob, encrypt(t, bob, alice, fmt.Sprint("b", i)), fmt.Sprint("b", i))
		}
	})
}

func TestWrongMACChangesNothing(t *testing.T) {
	alice, bob := talking(t)
	envelope := encrypt(t, alice, bob, "as it was")
	altered := slices.Clone(envelope)
	altered[len(altered)-1] ^= 1
	if _, err := bob.Decrypt(alice.Address(), altered); !errors.Is(err, e2e.ErrUndecryptable) {
		t.Fatalf("a wrong MAC: %v", err)
	}
	reads(t, bob, alice, envelope, "as it was")
}

func TestAMessageIsFromWhomItIs(t *testing.T) {
	alice, bob := talking(t)
	mallory := newDevice(t, "mallory", 1)
	start(t, mallory, bob)
	if _, err := bob.Decrypt(alice.Address(), encrypt(t, mallory, bob, "I am Alice")); !errors.As(err, new(*e2e.KeyChanged)) {
		t.Errorf("a first message under another's name: %v", err)
	}
	reads(t, bob, mallory, encrypt(t, mallory, bob, "I am Mallory"), "I am Mallory")
	reads(t, mallory, bob, encrypt(t, bob, mallory, "so you are"), "so you are")
	if _, err := bob.Decrypt(alice.Address(), encrypt(t, mallory, bob, "I am Alice")); !errors.Is(err, e2e.ErrUndecryptable) {
		t.Errorf("a message under another's name: %v", err)
	}
	if _, err := mallory.Decrypt(alice.Address(), encrypt(t, alice, bob, "for Bob")); !errors.Is(err, e2e.ErrNoSession) {
		t.Errorf("a message to somebody else: %v", err)
	}
	if _, err := bob.Decrypt(bob.Address(), encrypt(t, mallory, bob, "I am you")); err == nil {
		t.Error("a device heard from itself")
	}
	reads(t, bob, alice, encrypt(t, alice, bob, "still here"), "still here")
}

func TestGarbageIsRefused(t *testing.T) {
	alice, bob := talking(t)
	genuine := encrypt(t, alice, bob, "x")
	rapid.Check(t, func(t *rapid.T) {
		garbage := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "garbage")
		if cut := rapid.IntRange(0, len(genuine)-1).Draw(t, "cut"); rapid.Bool().Draw(t, "prefix") {
			garbage = append(slices.Clone(genuine[:cut]), garbage...)
		} else if len(garbage) > 2 { // as near to an envelope as chance can't come
			garbage[0], garbage[1] = 1, byte(rapid.IntRange(1, 3).Draw(t, "kind"))
			garbage[2] = 0x33
		}
		if bytes.Equal(garbage, genuine) {
			garbage[len(garbage)-1] ^= 1
		}
		if _, err := bob.Decrypt(alice.Address(), garbage); err == nil {
			t.Fatal("garbage was read")
		}
		if _, err := bob.DecryptGroup("g", alice.Address(), garbage); err == nil {
			t.Fatal("garbage was read by a group")
		}
	})
	reads(t, bob, alice, genuine, "x")
}

func TestBadBundlesAreRefused(t *testing.T) {
	alice, bob, carol := newDevice(t, "alice", 1), newDevice(t, "bob", 1), newDevice(t, "carol", 1)
	for name, spoil := range map[string]func(*e2e.Bundle){
		"another's signed prekey": func(b *e2e.Bundle) { b.SignedPreKey = bundle(t, carol).SignedPreKey },
		"no signature":            func(b *e2e.Bundle) { b.SignedPreKey.Signature = nil },
		"no identity":             func(b *e2e.Bundle) { b.IdentityKey = nil },
		"a short identity":        func(b *e2e.Bundle) { b.IdentityKey = b.IdentityKey[:20] },
		"an unknown curve":        func(b *e2e.Bundle) { b.IdentityKey = append([]byte{6}, b.IdentityKey[1:]...) },
		"a short prekey":          func(b *e2e.Bundle) { b.PreKey.Key = b.PreKey.Key[:32] },
		"a prekey without id":     func(b *e2e.Bundle) { b.PreKey.ID = 0 },
	} {
		b := bundle(t, bob)
		spoil(&b)
		if err := alice.StartSession(bob.Address(), b); !errors.Is(err, e2e.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := alice.StartSession(alice.Address(), bundle(t, alice)); err == nil {
		t.Error("a device has a session with itself")
	}
	if there, err := alice.HasSession(bob.Address()); there || err != nil {
		t.Errorf("a refused bundle left a session: %v", err)
	}
}

func TestLengthsAreHidden(t *testing.T) {
	alice, bob := talking(t)
	sizes := map[int]int{}
	for n := range 254 {
		sizes[len(encrypt(t, alice, bob, strings.Repeat("x", n)))]++
	}
	if len(sizes) > 2 { // the counter takes a second byte once
		t.Errorf("messages of up to 253 bytes have %d lengths: %v", len(sizes), sizes)
	}
	if _, err := alice.Encrypt(bob.Address(), make([]byte, e2e.MaxBody+1)); !errors.Is(err, e2e.ErrTooLarge) {
		t.Errorf("a body that is too large: %v", err)
	}
	large := strings.Repeat("y", e2e.MaxBody)
	envelope := encrypt(t, alice, bob, large)
	if len(envelope) > e2e.MaxBody*112/100+200 {
		t.Errorf("a body of %d bytes became %d", len(large), len(envelope))
	}
	reads(t, bob, alice, envelope, large)
	reads(t, bob, alice, encrypt(t, alice, bob, ""), "")
}

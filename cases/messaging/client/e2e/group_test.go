package e2e_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"designkits/cases/messaging/client/e2e"
)

func addresses(devices ...*e2e.Device) (all []e2e.Address) {
	for _, d := range devices {
		all = append(all, d.Address())
	}
	return all
}

func toGroup(t tb, from *e2e.Device, group string, devices []*e2e.Device, body string) e2e.GroupMessage {
	t.Helper()
	message, err := from.EncryptGroup(group, addresses(devices...), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// handOut gives the keys that come with a group message to those they are for.
func handOut(t tb, from *e2e.Device, group string, message e2e.GroupMessage, devices ...*e2e.Device) {
	t.Helper()
	for _, sealed := range message.Keys {
		at := slices.IndexFunc(devices, func(d *e2e.Device) bool { return d.Address() == sealed.To })
		if at < 0 {
			t.Fatalf("a key is for %s, who isn't in the group", sealed.To)
		}
		got, err := devices[at].Decrypt(from.Address(), sealed.Envelope)
		if err != nil || got.GroupKey != group || got.Body != nil {
			t.Fatalf("%s got %+v: %v", sealed.To, got, err)
		}
	}
}

func groupReads(t tb, d, from *e2e.Device, group string, message e2e.GroupMessage, want string) {
	t.Helper()
	body, err := d.DecryptGroup(group, from.Address(), message.Envelope)
	if err != nil || string(body) != want {
		t.Fatalf("%s read %q: %v", d.Address(), body, err)
	}
}

func TestAGroupEncryptsOnceForAll(t *testing.T) {
	alice, bob, tablet, carol := newDevice(t, "alice", 1), newDevice(t, "bob", 1), newDevice(t, "bob", 2), newDevice(t, "carol", 1)
	all := []*e2e.Device{alice, bob, tablet, carol}
	var missing *e2e.MissingSessions
	if _, err := alice.EncryptGroup("g", addresses(all...), []byte("hi")); !errors.As(err, &missing) || !errors.Is(err, e2e.ErrNoSession) || len(missing.Addresses) != 3 {
		t.Fatalf("without sessions: %v", err)
	}
	start(t, alice, bob, tablet, carol)
	first := toGroup(t, alice, "g", all, "hi")
	if len(first.Keys) != 3 {
		t.Fatalf("%d keys go to three devices", len(first.Keys))
	}
	if _, err := bob.DecryptGroup("g", alice.Address(), first.Envelope); !errors.Is(err, e2e.ErrNoGroupKey) {
		t.Errorf("before its key: %v", err)
	}
	handOut(t, alice, "g", first, all...)
	second := toGroup(t, alice, "g", all, "again")
	if len(second.Keys) != 0 {
		t.Errorf("%d keys once more", len(second.Keys))
	}
	for _, d := range all[1:] {
		groupReads(t, d, alice, "g", second, "again")
		groupReads(t, d, alice, "g", first, "hi")
		if _, err := d.DecryptGroup("g", alice.Address(), first.Envelope); !errors.Is(err, e2e.ErrDuplicate) {
			t.Errorf("once more: %v", err)
		}
		if _, err := d.DecryptGroup("other", alice.Address(), second.Envelope); !errors.Is(err, e2e.ErrNoGroupKey) {
			t.Errorf("in another group: %v", err)
		}
		if _, err := d.DecryptGroup("g", carol.Address(), second.Envelope); err == nil {
			t.Error("as another's message")
		}
	}
}

func TestAMemberCannotForgeAnothersMessage(t *testing.T) {
	alice, bob, carol := newDevice(t, "alice", 1), newDevice(t, "bob", 1), newDevice(t, "carol", 1)
	all := []*e2e.Device{alice, bob, carol}
	start(t, alice, bob, carol)
	first := toGroup(t, alice, "g", all, "hi")
	handOut(t, alice, "g", first, all...)
	forged := first
	forged.Envelope = slices.Clone(first.Envelope)
	forged.Envelope[len(forged.Envelope)/2] ^= 1
	if _, err := bob.DecryptGroup("g", alice.Address(), forged.Envelope); !errors.Is(err, e2e.ErrUndecryptable) {
		t.Errorf("an altered message: %v", err)
	}
	groupReads(t, bob, alice, "g", first, "hi")
}

func TestWhoLeavesCannotReadOnAndWhoJoinsCannotReadBack(t *testing.T) {
	alice, bob, carol, dave := newDevice(t, "alice", 1), newDevice(t, "bob", 1), newDevice(t, "carol", 1), newDevice(t, "dave", 1)
	start(t, alice, bob, carol, dave)
	three := []*e2e.Device{alice, bob, carol}
	before := toGroup(t, alice, "g", three, "before")
	handOut(t, alice, "g", before, three...)
	late := toGroup(t, alice, "g", three, "on its way when Carol left")

	two := []*e2e.Device{alice, bob}
	after := toGroup(t, alice, "g", two, "after")
	handOut(t, alice, "g", after, two...)
	groupReads(t, bob, alice, "g", after, "after")
	groupReads(t, bob, alice, "g", late, "on its way when Carol left")
	groupReads(t, carol, alice, "g", before, "before")
	if body, err := carol.DecryptGroup("g", alice.Address(), after.Envelope); !errors.Is(err, e2e.ErrNoGroupKey) {
		t.Errorf("who left reads %q: %v", body, err)
	}

	three = []*e2e.Device{alice, bob, dave}
	joined := toGroup(t, alice, "g", three, "welcome")
	if len(joined.Keys) != 1 || joined.Keys[0].To != dave.Address() {
		t.Fatalf("one joins, and keys go to %v", joined.Keys)
	}
	handOut(t, alice, "g", joined, three...)
	groupReads(t, dave, alice, "g", joined, "welcome")
	groupReads(t, bob, alice, "g", joined, "welcome")
	if body, err := dave.DecryptGroup("g", alice.Address(), after.Envelope); err == nil {
		t.Errorf("who joins reads back: %q", body)
	}
}

func TestARevokedOrChangedDeviceLosesTheGroup(t *testing.T) {
	alice, bob, tablet := newDevice(t, "alice", 1), newDevice(t, "bob", 1), newDevice(t, "bob", 2)
	all := []*e2e.Device{alice, bob, tablet}
	start(t, alice, bob, tablet)
	handOut(t, alice, "g", toGroup(t, alice, "g", all, "hi"), all...)

	if err := alice.Forget(tablet.Address()); err != nil {
		t.Fatal(err)
	}
	rest := []*e2e.Device{alice, bob}
	message := toGroup(t, alice, "g", rest, "without the tablet")
	handOut(t, alice, "g", message, rest...)
	groupReads(t, bob, alice, "g", message, "without the tablet")
	if _, err := tablet.DecryptGroup("g", alice.Address(), message.Envelope); !errors.Is(err, e2e.ErrNoGroupKey) {
		t.Errorf("the revoked tablet: %v", err)
	}

	anew := newDevice(t, "bob", 1)
	var changed *e2e.KeyChanged
	if err := alice.StartSession(anew.Address(), bundle(t, anew)); !errors.As(err, &changed) {
		t.Fatal(err)
	}
	if err := alice.Accept(changed); err != nil {
		t.Fatal(err)
	}
	start(t, alice, anew)
	rest = []*e2e.Device{alice, anew}
	message = toGroup(t, alice, "g", rest, "to the new phone")
	handOut(t, alice, "g", message, rest...)
	groupReads(t, anew, alice, "g", message, "to the new phone")
	if _, err := bob.DecryptGroup("g", alice.Address(), message.Envelope); !errors.Is(err, e2e.ErrNoGroupKey) {
		t.Errorf("the old phone: %v", err)
	}
}

// TestGroupOverABadNetwork shuffles, loses and repeats the messages of two
// members to a third, who has their keys.
func TestGroupOverABadNetwork(t *testing.T) {
	members := cast{}
	rapid.Check(t, func(t *rapid.T) {
		alice, bob, carol := members.enter(t, "alice"), members.enter(t, "bob"), members.enter(t, "carol")
		all, senders := []*e2e.Device{alice, bob, carol}, []*e2e.Device{alice, bob}
		start(t, alice, bob, carol)
		start(t, bob, carol)
		reads(t, bob, alice, encrypt(t, alice, bob, "hi"), "hi")
		for _, sender := range senders {
			handOut(t, sender, "g", toGroup(t, sender, "g", all, "first"), all...)
		}
		type sent struct {
			who     int
			message e2e.GroupMessage
			body    string
		}
		var network []sent
		for i := range rapid.IntRange(1, 12).Draw(t, "messages") {
			who := rapid.IntRange(0, 1).Draw(t, "who")
			body := fmt.Sprintf("message %d", i)
			m := sent{who, toGroup(t, senders[who], "g", all, body), body}
			for range rapid.IntRange(0, 2).Draw(t, "copies") {
				network = append(network, m)
			}
		}
		seen := map[string]bool{}
		for _, m := range rapid.Permutation(network).Draw(t, "order") {
			if seen[m.body] {
				if _, err := carol.DecryptGroup("g", senders[m.who].Address(), m.message.Envelope); !errors.Is(err, e2e.ErrDuplicate) {
					t.Fatalf("%q once more: %v", m.body, err)
				}
				continue
			}
			seen[m.body] = true
			groupReads(t, carol, senders[m.who], "g", m.message, m.body)
		}
	})
}

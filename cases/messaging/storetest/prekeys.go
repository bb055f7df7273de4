package storetest

import (
	"context"
	"fmt"
	"testing"

	"designkits/cases/messaging"
)

// Prekeys runs the contract of a messaging.Prekeys.
func Prekeys(t *testing.T, open func(t *testing.T) messaging.Prekeys) {
	t.Run("a bundle is claimed as it was published, until its one-time prekeys are used up", func(t *testing.T) { bundles(t, open(t)) })
	t.Run("of many who claim no two get the same prekey", func(t *testing.T) { claimRace(t, open) })
	t.Run("a prekey that was claimed doesn't come back", func(t *testing.T) { publishAgain(t, open(t)) })
	t.Run("what is withdrawn is gone for good", func(t *testing.T) { withdrawn(t, open(t)) })
	t.Run("more prekeys than may be left are refused", func(t *testing.T) { tooMany(t, open(t)) })
	t.Run("a bundle that can't be is refused", func(t *testing.T) {
		if err := open(t).Publish(testContext(t), messaging.Bundle{Device: newDevice()}); !isInvalid(err) {
			t.Errorf("got %v, wanted *Invalid", err)
		}
	})
	t.Run("a call ends with its context", func(t *testing.T) {
		store := open(t)
		wantEnd(t, func(ctx context.Context) error { _, err := store.Count(ctx, newDevice()); return err })
	})
}

// newBundle has one-time prekeys with the numbers from first on.
func newBundle(a messaging.Address, first, n int) messaging.Bundle {
	b := messaging.Bundle{Device: a, Identity: []byte("identity of " + a.String()), Signed: fmt.Appendf(nil, "signed prekey %d", first)}
	for id := first; id < first+n; id++ {
		b.OneTime = append(b.OneTime, messaging.Prekey{ID: uint32(id), Key: fmt.Appendf(nil, "one-time prekey %d", id)})
	}
	return b
}

func wantCount(t *testing.T, store messaging.Prekeys, a messaging.Address, want int) {
	t.Helper()
	if got, err := store.Count(testContext(t), a); err != nil || got != want {
		t.Errorf("%d one-time prekeys are left (%v), wanted %d", got, err, want)
	}
}

// claim claims and returns the one-time prekey, if there was one, and checks the
// rest of the bundle and that the prekey is one of those.
func claim(t *testing.T, store messaging.Prekeys, published messaging.Bundle) (p messaging.Prekey, ok bool) {
	t.Helper()
	got, err := store.Claim(testContext(t), published.Device)
	must(t, err)
	rest := got
	rest.OneTime = published.OneTime
	wantEqual(t, "the bundle", rest, published)
	if len(got.OneTime) == 0 {
		return messaging.Prekey{}, false
	}
	p = got.OneTime[0]
	if len(got.OneTime) > 1 || string(p.Key) != fmt.Sprintf("one-time prekey %d", p.ID) {
		t.Errorf("claimed was %+v, wanted one as it was published", got.OneTime)
	}
	return p, true
}

func bundles(t *testing.T, store messaging.Prekeys) {
	a := newDevice()
	_, err := store.Claim(testContext(t), a)
	wantError(t, "claim of a device that has published nothing", err, messaging.ErrNotFound)
	wantCount(t, store, a, 0)
	b := newBundle(a, 1<<31, 3) // numbers have 32 bits
	must(t, store.Publish(testContext(t), b))
	used := map[uint32]bool{}
	for left := 3; left > 0; left-- {
		wantCount(t, store, a, left)
		p, ok := claim(t, store, b)
		if !ok || used[p.ID] {
			t.Errorf("claimed was %+v (%v), with %d left", p, ok, left)
		}
		used[p.ID] = true
	}
	wantCount(t, store, a, 0)
	if p, ok := claim(t, store, b); ok {
		t.Errorf("claimed was %+v, with none left", p)
	}
	// New ones, under a new signed prekey.
	b = newBundle(a, 10, 2)
	must(t, store.Publish(testContext(t), b))
	if p, ok := claim(t, store, b); !ok || p.ID < 10 {
		t.Errorf("claimed was %+v (%v), wanted a new one", p, ok)
	}
}

func claimRace(t *testing.T, open func(t *testing.T) messaging.Prekeys) {
	ctx, stores, a := testContext(t), []messaging.Prekeys{open(t), open(t)}, newDevice()
	const published, callers = 20, 30
	must(t, stores[0].Publish(ctx, newBundle(a, 1, published)))
	claimed := make([]messaging.Bundle, callers)
	for _, err := range together(callers, func(i int) (err error) {
		claimed[i], err = stores[i%2].Claim(ctx, a)
		return err
	}) {
		must(t, err)
	}
	used := map[uint32]bool{}
	for _, b := range claimed {
		for _, p := range b.OneTime {
			if used[p.ID] {
				t.Errorf("prekey %d was claimed twice", p.ID)
			}
			used[p.ID] = true
		}
	}
	if len(used) != published {
		t.Errorf("%d of %d prekeys were claimed by %d callers", len(used), published, callers)
	}
	wantCount(t, stores[1], a, 0)
}

func publishAgain(t *testing.T, store messaging.Prekeys) {
	a := newDevice()
	b := newBundle(a, 1, 5)
	must(t, store.Publish(testContext(t), b))
	if _, ok := claim(t, store, b); !ok {
		t.Error("no prekey was left of five")
	}
	must(t, store.Publish(testContext(t), b))
	wantCount(t, store, a, 4)
}

func withdrawn(t *testing.T, store messaging.Prekeys) {
	ctx, a := testContext(t), newDevice()
	b := newBundle(a, 1, 5)
	must(t, store.Publish(ctx, b))
	must(t, store.Withdraw(ctx, a))
	_, err := store.Claim(ctx, a)
	wantError(t, "claim of what is withdrawn", err, messaging.ErrNotFound)
	must(t, store.Publish(ctx, b)) // by a request that was on its way
	_, err = store.Claim(ctx, a)
	wantError(t, "claim of what is published after it was withdrawn", err, messaging.ErrNotFound)
	wantCount(t, store, a, 0)
}

func tooMany(t *testing.T, store messaging.Prekeys) {
	ctx, a := testContext(t), newDevice()
	first := 1
	for ; first < messaging.MaxPrekeys; first += messaging.MaxOneTime {
		must(t, store.Publish(ctx, newBundle(a, first, messaging.MaxOneTime)))
	}
	wantCount(t, store, a, messaging.MaxPrekeys)
	more := newBundle(a, first, 1)
	if err := store.Publish(ctx, more); !isInvalid(err) {
		t.Errorf("one more: got %v, wanted *Invalid", err)
	}
	wantCount(t, store, a, messaging.MaxPrekeys)
	// A new signed prekey alone takes no place; and where one is claimed there is room.
	renewed := newBundle(a, first+1, 0)
	must(t, store.Publish(ctx, renewed))
	got, err := store.Claim(ctx, a)
	must(t, err)
	if string(got.Signed) != string(renewed.Signed) || len(got.OneTime) != 1 {
		t.Errorf("claimed was %+v, wanted the new signed prekey with one of the old one-time prekeys", got)
	}
	must(t, store.Publish(ctx, more))
	wantCount(t, store, a, messaging.MaxPrekeys)
}

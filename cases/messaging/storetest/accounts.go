package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"designkits/cases/messaging"
)

// Accounts runs the contract of a messaging.Accounts.
func Accounts(t *testing.T, open func(t *testing.T) messaging.Accounts) {
	t.Run("an account is found by its name, and the other way round", func(t *testing.T) { account(t, open(t)) })
	t.Run("a name is claimed by exactly one of many", func(t *testing.T) { nameRace(t, open) })
	t.Run("devices are numbered, and no number is given twice", func(t *testing.T) { devices(t, open(t)) })
	t.Run("devices linked at once have different numbers, and there are not too many", func(t *testing.T) { linkRace(t, open) })
	t.Run("of many revocations exactly one finds the device", func(t *testing.T) { revokeRace(t, open) })
	t.Run("the devices of many people come at once", func(t *testing.T) { devicesOfMany(t, open(t)) })
	t.Run("the names of many people come at once", func(t *testing.T) { namesOfMany(t, open(t)) })
	t.Run("a call ends with its context", func(t *testing.T) {
		store := open(t)
		wantEnd(t, func(ctx context.Context) error { _, err := store.Find(ctx, newName()); return err })
	})
}

// newName is one that nobody has: an id is as good as any.
func newName() string { return "name-of-" + string(messaging.NewUserID()) }

func account(t *testing.T, store messaging.Accounts) {
	ctx, u, name := testContext(t), messaging.NewUserID(), newName()
	_, err := store.Find(ctx, name)
	wantError(t, "find a name that nobody has", err, messaging.ErrNotFound)
	_, err = store.Name(ctx, u)
	wantError(t, "name of nobody", err, messaging.ErrNotFound)
	must(t, store.Create(ctx, u, name))
	must(t, store.Create(ctx, u, name))
	other := messaging.NewUserID()
	wantError(t, "create with another's name", store.Create(ctx, other, name), messaging.ErrTaken)
	_, err = store.Name(ctx, other)
	wantError(t, "name of whom it was refused", err, messaging.ErrNotFound)
	if got, err := store.Find(ctx, name); err != nil || got != u {
		t.Errorf("find: got %q, %v, wanted %q", got, err, u)
	}
	if got, err := store.Name(ctx, u); err != nil || got != name {
		t.Errorf("name: got %q, %v, wanted %q", got, err, name)
	}
	// Who was refused takes another.
	second := newName()
	must(t, store.Create(ctx, other, second))
	if got, err := store.Name(ctx, other); err != nil || got != second {
		t.Errorf("name: got %q, %v, wanted %q", got, err, second)
	}
}

func nameRace(t *testing.T, open func(t *testing.T) messaging.Accounts) {
	ctx, stores, name := testContext(t), []messaging.Accounts{open(t), open(t)}, newName()
	users := make([]messaging.UserID, 30)
	for i := range users {
		users[i] = messaging.NewUserID()
	}
	var winner messaging.UserID
	for i, err := range together(len(users), func(i int) error { return stores[i%2].Create(ctx, users[i], name) }) {
		switch {
		case err == nil && winner == "":
			winner = users[i]
		case err == nil:
			t.Errorf("%s and %s both got the name", winner, users[i])
		case !errors.Is(err, messaging.ErrTaken):
			t.Errorf("got %v, wanted ErrTaken", err)
		}
	}
	if got, err := stores[1].Find(ctx, name); err != nil || got != winner || winner == "" {
		t.Errorf("find: got %q, %v; the winner is %q", got, err, winner)
	}
}

func devices(t *testing.T, store messaging.Accounts) {
	ctx, u := testContext(t), messaging.NewUserID()
	want := []messaging.Device{}
	for i := range 3 {
		d, err := store.Link(ctx, u, fmt.Sprintf("device %d", i))
		must(t, err)
		if d.Address != (messaging.Address{User: u, Device: messaging.DeviceID(i + 1)}) {
			t.Errorf("device %d is %s", i, d.Address)
		}
		want = append(want, d)
	}
	wantDevices(t, store, want, u)
	must(t, store.Revoke(ctx, want[2].Address))
	wantError(t, "revoke again", store.Revoke(ctx, want[2].Address), messaging.ErrNotFound)
	wantError(t, "revoke what never was", store.Revoke(ctx, newDevice()), messaging.ErrNotFound)
	next, err := store.Link(ctx, u, "the next")
	must(t, err)
	if next.Device != 4 {
		t.Errorf("after the third was revoked the next is number %d, wanted 4", next.Device)
	}
	wantDevices(t, store, append(want[:2], next), u)
	for _, d := range append(want[:2], next) {
		must(t, store.Revoke(ctx, d.Address))
	}
	wantDevices(t, store, []messaging.Device{}, u)
	if next, err = store.Link(ctx, u, "the last"); err != nil || next.Device != 5 {
		t.Errorf("after all were revoked the next is %+v, %v, wanted number 5", next, err)
	}
}

func wantDevices(t *testing.T, store messaging.Accounts, want []messaging.Device, users ...messaging.UserID) {
	t.Helper()
	got, err := store.Devices(testContext(t), users)
	must(t, err)
	got = append([]messaging.Device{}, got...)
	slices.SortFunc(got, func(a, b messaging.Device) int { return int(a.Device - b.Device) })
	wantEqual(t, "the devices", got, want)
}

func linkRace(t *testing.T, open func(t *testing.T) messaging.Accounts) {
	ctx, stores, u := testContext(t), []messaging.Accounts{open(t), open(t)}, messaging.NewUserID()
	const callers = messaging.MaxDevices + 4
	linked := make([]messaging.Device, callers)
	given := map[messaging.DeviceID]bool{}
	for i, err := range together(callers, func(i int) (err error) {
		linked[i], err = stores[i%2].Link(ctx, u, fmt.Sprintf("device %d", i))
		return err
	}) {
		switch {
		case err == nil:
			if given[linked[i].Device] {
				t.Errorf("number %d was given twice", linked[i].Device)
			}
			given[linked[i].Device] = true
		case !errors.Is(err, messaging.ErrTooMany):
			t.Errorf("link: got %v, wanted a device or ErrTooMany", err)
		}
	}
	if len(given) != messaging.MaxDevices {
		t.Errorf("%d devices were linked, wanted %d", len(given), messaging.MaxDevices)
	}
	got, err := stores[0].Devices(ctx, []messaging.UserID{u})
	must(t, err)
	if len(got) != messaging.MaxDevices {
		t.Errorf("%d devices are there, wanted %d", len(got), messaging.MaxDevices)
	}
}

func revokeRace(t *testing.T, open func(t *testing.T) messaging.Accounts) {
	ctx, stores := testContext(t), []messaging.Accounts{open(t), open(t)}
	d, err := stores[0].Link(ctx, messaging.NewUserID(), "a phone that was stolen")
	must(t, err)
	won := 0
	for _, err := range together(12, func(i int) error { return stores[i%2].Revoke(ctx, d.Address) }) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, messaging.ErrNotFound):
			t.Errorf("revoke: got %v, wanted ErrNotFound", err)
		}
	}
	if won != 1 {
		t.Errorf("%d found the device, wanted one", won)
	}
}

func devicesOfMany(t *testing.T, store messaging.Accounts) {
	ctx := testContext(t)
	users := make([]messaging.UserID, 60)
	for _, err := range together(len(users), func(i int) error {
		users[i] = messaging.NewUserID()
		_, err := store.Link(ctx, users[i], "phone")
		return err
	}) {
		must(t, err)
	}
	got, err := store.Devices(ctx, append(users, users[0], messaging.NewUserID()))
	must(t, err)
	owners := map[messaging.UserID]int{}
	for _, d := range got {
		owners[d.User]++
	}
	for _, u := range users {
		if owners[u] != 1 {
			t.Errorf("%s has %d devices, wanted one", u, owners[u])
		}
	}
	if len(got) != len(users) {
		t.Errorf("%d devices of %d people", len(got), len(users))
	}
	if got, err := store.Devices(ctx, nil); err != nil || len(got) != 0 {
		t.Errorf("of nobody: got %+v, %v", got, err)
	}
}

func namesOfMany(t *testing.T, store messaging.Accounts) {
	ctx, want := testContext(t), map[messaging.UserID]string{}
	users := make([]messaging.UserID, 60)
	for i := range users {
		users[i] = messaging.NewUserID()
		want[users[i]] = newName()
	}
	for _, err := range together(len(users), func(i int) error { return store.Create(ctx, users[i], want[users[i]]) }) {
		must(t, err)
	}
	got, err := store.Names(ctx, append(users, users[0], messaging.NewUserID()))
	must(t, err)
	wantEqual(t, "the names", got, want)
	if got, err := store.Names(ctx, nil); err != nil || len(got) != 0 {
		t.Errorf("of nobody: got %+v, %v", got, err)
	}
}

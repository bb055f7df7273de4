package postgres_test

import (
	"errors"
	"testing"

	"designkits/cases/tickets"
)

func TestTheWaitlistKeepsItsOrder(t *testing.T) {
	list := open(t).Waitlist()
	for _, c := range []struct {
		event   tickets.EventID
		account tickets.Account
		want    int
	}{{"e", "ann", 1}, {"e", "bob", 2}, {"e", "ann", 1}, {"f", "bob", 1}, {"e", "cy", 3}} {
		if place, err := list.Wait(t.Context(), c.event, c.account, 2); err != nil || place != c.want {
			t.Errorf("%s for %s stands at %d, want %d: %v", c.account, c.event, place, c.want, err)
		}
	}
}

func TestWhoLeavesTheWaitlistMakesTheOthersMoveUp(t *testing.T) {
	list := open(t).Waitlist()
	for n, account := range []tickets.Account{"ann", "bob", "cy"} {
		if _, err := list.Wait(t.Context(), "e", account, n+1); err != nil {
			t.Fatal(err)
		}
	}
	stands := func(event tickets.EventID, account tickets.Account, place, seats int) {
		t.Helper()
		at, wants, err := list.Standing(t.Context(), event, account)
		if at != place || wants != seats || (place == 0) != errors.Is(err, tickets.ErrNotWaiting) || place > 0 && err != nil {
			t.Errorf("%s for %s stands at %d and wants %d, want %d and %d: %v", account, event, at, wants, place, seats, err)
		}
	}
	stands("e", "bob", 2, 2)
	stands("f", "bob", 0, 0)
	if err := list.Leave(t.Context(), "f", "ann"); !errors.Is(err, tickets.ErrNotWaiting) {
		t.Errorf("ann leaves a list that she isn't on: %v", err)
	}
	if err := list.Leave(t.Context(), "e", "ann"); err != nil {
		t.Error(err)
	}
	stands("e", "ann", 0, 0)
	stands("e", "bob", 1, 2)
	stands("e", "cy", 2, 3)
	if err := list.Leave(t.Context(), "e", "ann"); !errors.Is(err, tickets.ErrNotWaiting) {
		t.Errorf("ann leaves again: %v", err)
	}
	if place, err := list.Wait(t.Context(), "e", "ann", 1); err != nil || place != 3 {
		t.Errorf("ann comes back at %d, want 3: %v", place, err)
	}
}

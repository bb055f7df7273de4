package postgres_test

import (
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

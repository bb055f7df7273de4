// Package claimstest is the contract of tickets.Claims as tests: every way of
// claiming seats passes Run, and a wrong one fails a rule of Rules.
package claimstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets"
)

// An Open returns claims on a new event that has the seats. What it opens it
// closes when the test ends.
type Open func(ctx context.Context, event tickets.EventID, seats []tickets.SeatID) (tickets.Claims, error)

// A Rule is one sentence of the contract. Check returns what breaks it.
type Rule struct {
	Name  string
	Check func(ctx context.Context, open Open) error
}

// Rules returns the contract.
func Rules() []Rule {
	return []Rule{
		{"a held seat is refused to others, all of the claim", heldIsRefused},
		{"of many claims on one seat one is granted", oneOfMany},
		{"claims that overlap don't wait for each other for ever", overlapping},
		{"a claim that is repeated is granted as it was", repeatedHold},
		{"an account holds no more than it may", limited},
		{"a hold that is over frees its seats", overIsFree},
		{"a hold that is over can't be bought", overIsGone},
		{"an extended hold goes on", extended},
		{"a released seat is free", released},
		{"a released hold can't be bought", releasedIsGone},
		{"a sold seat stays sold", soldStays},
		{"a sale that is repeated is one sale", repeatedSale},
		{"a refunded seat is free, and sold again", refunded},
		{"the later hold has the higher token", tokensRise},
		{"the state of each seat can be seen", states},
		{"a seat takes the steps that its state allows, and no others", steps},
		{"under load no seat is sold twice or lost", sale},
		{"the end of the context ends the call", ended},
	}
}

// Run tests every rule.
func Run(t *testing.T, open Open) {
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			if err := rule.Check(ctx, open); err != nil {
				t.Error(err)
			}
		})
	}
}

// A hall is claims on an event with seats.
type hall struct {
	tickets.Claims
	event tickets.EventID
	seats []tickets.SeatID
}

func openHall(ctx context.Context, open Open, seats int) (*hall, error) {
	h := &hall{event: tickets.EventID("e" + short())}
	for n := range seats {
		h.seats = append(h.seats, tickets.SeatID(fmt.Sprintf("stalls/%c/%d", 'A'+n/20, n%20+1)))
	}
	var err error
	h.Claims, err = open(ctx, h.event, h.seats)
	return h, err
}

func short() string { return strings.ToLower(rand.Text()[:8]) }

// long is longer than a rule takes.
const long = 10 * time.Minute

func (h *hall) claim(account string, d time.Duration, seats ...tickets.SeatID) tickets.Claim {
	return tickets.Claim{Hold: tickets.HoldID("h" + short()), Event: h.event, Account: tickets.Account(account), Seats: seats, For: d}
}

func (h *hall) hold(ctx context.Context, account string, d time.Duration, seats ...tickets.SeatID) (tickets.Grant, error) {
	return h.Hold(ctx, h.claim(account, d, seats...))
}

// brief holds seats, for no longer than what follows takes, which says ErrGone when the
// hold was over before; then it is tried again with a longer one.
func (h *hall) brief(ctx context.Context, account string, seats []tickets.SeatID, then func(tickets.Grant) error) (tickets.Grant, error) {
	for d := time.Second; ; d *= 4 {
		g, err := h.hold(ctx, account, d, seats...)
		if err != nil {
			return g, err
		}
		if err = then(g); !errors.Is(err, tickets.ErrGone) || time.Now().Before(g.Until) || d > time.Minute {
			return g, err
		}
		if err := wait(ctx, g); err != nil {
			return g, err
		}
	}
}

// wait waits until the grant is over, by its own word, and a bit for the clocks.
func wait(ctx context.Context, g tickets.Grant) error {
	timer := time.NewTimer(time.Until(g.Until) + 20*time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func sameSeats(a, b []tickets.SeatID) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Catches tests that the claims, which are wrong, break at least the rule named.
func Catches(t *testing.T, open Open, name string) {
	t.Helper()
	for _, rule := range Rules() {
		if rule.Name != name {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		err := rule.Check(ctx, open)
		if err == nil {
			t.Errorf("nothing broke the rule that %s", name)
		}
		t.Logf("%s: %v", name, err)
		return
	}
	t.Fatalf("there is no rule that %s", name)
}

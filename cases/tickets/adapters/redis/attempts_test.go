package redis_test

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/shared/testenv"
)

func TestARepeatedAttemptIsAboutTheSameSeats(t *testing.T) {
	client, _ := open(t, testenv.Addr(t, "redis"))
	attempts, ctx := client.Attempts(), t.Context()
	r := tickets.Request{Account: "ann", Key: "k", Hash: [32]byte{1}}
	first := tickets.Attempt{Seats: []tickets.SeatID{"a/A/1", "a/A/2"}, Since: time.UnixMilli(1e12)}
	other := tickets.Attempt{Seats: []tickets.SeatID{"a/A/9"}, Since: time.UnixMilli(2e12)}
	begin := func(r tickets.Request, a tickets.Attempt) tickets.Attempt {
		t.Helper()
		kept, err := attempts.Begin(ctx, "e", r, a, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	if got := begin(r, first); !reflect.DeepEqual(got, first) {
		t.Errorf("the first is %+v", got)
	}
	if got := begin(r, other); !reflect.DeepEqual(got, first) {
		t.Errorf("repeated it is %+v", got)
	}
	bob := r
	bob.Account = "bob"
	if got := begin(bob, other); !reflect.DeepEqual(got, other) {
		t.Errorf("another account's with the same key is %+v", got)
	}
	if err := attempts.Change(ctx, "e", r, other, time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := begin(r, first); !reflect.DeepEqual(got, other) {
		t.Errorf("changed it is %+v", got)
	}
	r.Hash[0]++
	if _, err := attempts.Begin(ctx, "e", r, first, time.Minute); !errors.Is(err, tickets.ErrKeyReused) {
		t.Errorf("with another body: %v", err)
	}
}

func TestOfAttemptsAtOnceOneIsTheFirst(t *testing.T) {
	client, _ := open(t, testenv.Addr(t, "redis"))
	attempts, r := client.Attempts(), tickets.Request{Account: "ann", Key: "k"}
	var got [16]tickets.Attempt
	var wait sync.WaitGroup
	for n := range got {
		wait.Go(func() {
			var err error
			if got[n], err = attempts.Begin(t.Context(), "e", r, tickets.Attempt{Since: time.UnixMilli(int64(n + 1))}, time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for n := range got {
		if !got[n].Since.Equal(got[0].Since) {
			t.Errorf("%v and %v both began it", got[0].Since, got[n].Since)
		}
	}
}

// A request that comes for the first time holds its seats in the same step; one that
// was seen holds nothing there.
func TestAnAttemptAndItsHoldAreOneStep(t *testing.T) {
	client, _ := open(t, testenv.Addr(t, "redis"))
	claims, ctx := client.Claims(nil), t.Context()
	r := tickets.Request{Account: "ann", Key: "k", Hash: [32]byte{1}}
	first := tickets.Attempt{Seats: []tickets.SeatID{"a/A/1", "a/A/2"}, Since: time.UnixMilli(1e12)}
	other := tickets.Attempt{Seats: []tickets.SeatID{"a/A/8", "a/A/9"}, Since: time.UnixMilli(2e12)}
	begin := func(r tickets.Request, a tickets.Attempt) (tickets.Grant, *tickets.Attempt, error) {
		c := tickets.Claim{Hold: tickets.HoldID(string(r.Account) + r.Key), Event: "e", Account: r.Account, Seats: a.Seats, For: time.Minute, AtMost: 3}
		return claims.Begin(ctx, c, r, a, time.Minute)
	}
	free := func(seat tickets.SeatID) {
		t.Helper()
		c := tickets.Claim{Hold: tickets.HoldID("of" + seat), Event: "e", Account: "eve", Seats: []tickets.SeatID{seat}, For: time.Millisecond}
		if _, err := claims.Hold(ctx, c); err != nil {
			t.Errorf("%s isn't free: %v", seat, err)
		}
	}
	g, kept, err := begin(r, first)
	if err != nil || kept != nil || g.Token == 0 || !reflect.DeepEqual(g.Seats, first.Seats) || time.Until(g.Until) < 50*time.Second {
		t.Fatalf("%+v, %+v, %v", g, kept, err)
	}
	if _, kept, err := begin(r, other); err != nil || kept == nil || !reflect.DeepEqual(*kept, first) {
		t.Errorf("repeated it is %+v, %v", kept, err)
	}
	free("a/A/9")
	changed := r
	changed.Hash[0]++
	if _, kept, err := begin(changed, other); !errors.Is(err, tickets.ErrKeyReused) || kept != nil {
		t.Errorf("with another body: %+v, %v", kept, err)
	}
	free("a/A/8")
	bob := r
	bob.Account = "bob"
	var taken *tickets.Taken
	if _, kept, err := begin(bob, first); !errors.As(err, &taken) || kept != nil {
		t.Errorf("another's seats: %+v, %v", kept, err)
	}
	if _, kept, err := begin(bob, other); err != nil || kept == nil || !reflect.DeepEqual(*kept, first) {
		t.Errorf("what was refused is forgotten: %+v, %v", kept, err)
	}
	var over *tickets.OverLimit
	r.Key = "another"
	further := tickets.Attempt{Seats: []tickets.SeatID{"a/A/6", "a/A/7"}, Since: time.UnixMilli(3e12)}
	if _, kept, err := begin(r, further); !errors.As(err, &over) || kept != nil {
		t.Errorf("more than the account may have: %+v, %v", kept, err)
	}
}

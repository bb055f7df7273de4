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

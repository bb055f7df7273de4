package redis_test

import (
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/shared/testenv"
)

// Two replicas count together how often an account holds.
func TestHoldsAreCountedByAllReplicas(t *testing.T) {
	client, _ := open(t, testenv.Addr(t, "redis"))
	const most = 6
	later := time.Duration(0)
	replica := func() *bots.Holds {
		return &bots.Holds{Limits: client.Limits(), Most: most, Window: time.Hour, Now: func() time.Time { return time.Now().Add(later) }}
	}
	replicas := []*bots.Holds{replica(), replica()}
	at, header := netip.MustParseAddr("192.0.2.1"), http.Header{"User-Agent": {"x"}}
	// goesOn has an account hold by turns until no replica lets it.
	goesOn := func(account tickets.Account) (granted int) {
		t.Helper()
		for refused, n := 0, 0; refused < len(replicas); n++ {
			one := replicas[n%len(replicas)]
			err := one.May("e", account)
			if often, ok := errors.AsType[*bots.HeldTooOften](err); ok {
				if often.RetryAfter <= 0 || often.RetryAfter > time.Hour/2 {
					t.Errorf("%s is to wait %s", account, often.RetryAfter)
				}
				refused++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := one.Held(t.Context(), "e", account, at, header); err != nil {
				t.Fatal(err)
			}
			granted++
		}
		return granted
	}
	for _, account := range []tickets.Account{"ann", "bob"} {
		if n := goesOn(account); n < most || n > most+2*(len(replicas)-1) {
			t.Errorf("%s has held %d times, want %d, and two more by the other replica at most", account, n, most)
		}
	}
	for n, one := range replicas {
		if err := one.May("another event", "ann"); err != nil {
			t.Errorf("replica %d, of another event: %v", n, err)
		}
	}
	// Each hold but the first at a replica counted as a try from there.
	tries, err := bots.Try(t.Context(), client.Limits(), "e", "cy", at, header)
	if err != nil || tries.Account != 1 || tries.Device < 2*(most-2)+1 || tries.Address != tries.Device {
		t.Errorf("the next account from there: %+v, %v", tries, err)
	}

	// After half the window one more is granted, and counted.
	later = time.Hour/2 + time.Minute
	for n, one := range replicas {
		if err := one.May("e", "ann"); err != nil {
			t.Errorf("replica %d, half an hour later: %v", n, err)
		}
	}
	if err := replicas[0].Held(t.Context(), "e", "ann", at, header); err != nil {
		t.Fatal(err)
	}
	if _, often := errors.AsType[*bots.HeldTooOften](replicas[0].May("e", "ann")); !often {
		t.Error("who goes on after half the window may hold as often as before")
	}
}

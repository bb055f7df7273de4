package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	"designkits/shared/casetest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

// The gate, a process of its own, is killed while some wait and others come:
// whoever was told a place has it still, and each of the others has one.
func TestKill9LosesNobodysPlace(t *testing.T) {
	c := casetest.Start(t, rig.Options{Only: []string{"gate"}, Env: map[string]string{
		"SESSION_SECRET": secret, "PASS_SECRET": secret, "ROOM_SECRET": secret,
		"ADMIT_MIN": "0.001", "ADMIT_MAX": "0.001", // nobody is let in meanwhile
	}})
	db, err := postgres.Open(t.Context(), postgres.Config{Addr: testenv.Addr(t, "postgres"), Namespace: c.Namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store := redis.Open(testenv.Addr(t, "redis"), c.Namespace)
	defer func() {
		if err := store.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	put(t, db, "e", time.Now().Add(time.Hour))

	anybody, err := client.New("http://" + c.Addr("gate"))
	if err != nil {
		t.Fatal(err)
	}
	defer anybody.Close()
	const early, late, coming = 20, 10, 200
	fans := make([]*client.Client, early+late+coming)
	for n := range fans {
		token, _, err := earlier.Sign(tickets.Account(fmt.Sprint("fan-", n)), identity.Fan)
		if err != nil {
			t.Fatal(err)
		}
		fans[n] = anybody.As(token).With(http.Header{
			"X-Forwarded-For": {fmt.Sprintf("203.0.113.%d", n)}, "Sec-Fetch-Site": {"same-origin"},
			"User-Agent": {browser}, "Accept-Language": {"en"}, "Accept-Encoding": {"gzip"},
		})
	}
	join := func(fan *client.Client) error {
		_, err := fan.Join(t.Context(), "e", client.Joining{})
		return err
	}
	for _, fan := range fans[:early] {
		testenv.Eventually(t, time.Minute, "the gate knows the event", func() bool {
			err := join(fan)
			if err != nil && !client.Is(err, "no-such-event") {
				t.Fatal(err)
			}
			return err == nil
		})
	}
	put(t, db, "e", time.Now())
	testenv.Eventually(t, time.Minute, "the sale has begun", func() bool {
		head, err := store.Room().Head(t.Context(), "e")
		if err != nil {
			t.Fatal(err)
		}
		return head.Open
	})
	for _, fan := range fans[early : early+late] {
		if err := join(fan); err != nil {
			t.Fatal(err)
		}
	}
	places := func(of []*client.Client) (ahead []int64) {
		t.Helper()
		for _, fan := range of {
			s, err := fan.Place(t.Context(), "e")
			if err != nil || s.Status != room.Waiting {
				t.Fatalf("%+v, %v", s, err)
			}
			ahead = append(ahead, s.Ahead)
		}
		return ahead
	}
	before := places(fans[:early+late])

	var arriving errgroup.Group
	arriving.SetLimit(8)
	half := make(chan struct{})
	arriving.Go(func() error {
		<-half
		return c.Kill(t.Context(), "gate")
	})
	for n, fan := range fans[early+late:] {
		if n == coming/2 {
			close(half)
		}
		arriving.Go(func() error { return join(fan) }) // it asks again where nobody answers
	}
	if err := arriving.Wait(); err != nil {
		t.Fatal(err)
	}
	after := places(fans)
	if !slices.Equal(after[:early+late], before) {
		t.Errorf("the kill has reshuffled %v\nto %v", before, after[:early+late])
	}
	slices.Sort(after)
	for n, ahead := range after {
		if ahead != int64(n) {
			t.Fatalf("%d wait, and have ahead %v", len(fans), after)
		}
	}
}

package redis_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"
	"designkits/shared/fault"
	"designkits/shared/testenv"
)

// Redis is killed while people wait and others come, and started again: what it
// has answered stands in its append-only file. It is everybody's Redis, so
// nothing else may run meanwhile.
func TestARedisThatIsKilledReshufflesNobody(t *testing.T) {
	kit, err := fault.Open()
	if err != nil {
		t.Fatal(err)
	}
	r := waitingRoom(t)
	const early, late, people = 100, 200, 2000
	join(t, r, 0, early)
	if err := r.Open(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	join(t, r, early, late)
	in := admit(t, r, 10)
	fans := make([]tickets.Account, people)
	for n := range fans {
		fans[n], _ = fan(n)
	}
	places := func(of []tickets.Account) []room.Place {
		t.Helper()
		places, err := r.Places(t.Context(), "e", of...)
		if err != nil {
			t.Fatal(err)
		}
		return places
	}
	before := places(fans[:late])

	told := make([]room.Place, people) // those who came later; zero for who had no answer
	var coming sync.WaitGroup
	var came atomic.Int64
	for range 8 {
		coming.Go(func() {
			for n := late + came.Add(1) - 1; n < people; n = late + came.Add(1) - 1 {
				account, lot := fan(int(n))
				if place, err := r.Join(t.Context(), "e", account, lot); err == nil {
					told[n] = place
				}
			}
		})
	}
	testenv.Eventually(t, time.Minute, "some have come", func() bool { return came.Load() > 100 })
	if err := errors.Join(kit.Kill(t.Context(), "redis"), kit.Restart(context.Background(), "redis")); err != nil {
		t.Fatal(err)
	}
	coming.Wait()
	var after []room.Place
	testenv.Eventually(t, time.Minute, "Redis answers again", func() bool {
		after, err = r.Places(t.Context(), "e", fans[:late]...)
		return err == nil
	})

	if !slices.Equal(after, before) {
		t.Errorf("the kill has reshuffled %v\nto %v", before, after)
	}
	// Also those who had no answer. The driver may refuse to dial for a second after the last refusal.
	testenv.Eventually(t, time.Minute, "all have come", func() bool { return joining(t.Context(), r, 0, people) == nil })
	lost := 0
	for n, is := range places(fans)[late:] {
		was := told[late+n]
		if was.Status == "" {
			lost++
		} else if was.Status != is.Status || was.Mark != is.Mark || was.Ahead != is.Ahead {
			t.Errorf("%s was told %+v and has %+v", fans[late+n], was, is)
		}
	}
	if lost == 0 || lost == people-late {
		t.Errorf("%d of %d had no answer: the kill wasn't in the middle", lost, people-late)
	}
	for some := in; len(some) > 0; in = append(in, some...) {
		some = admit(t, r, 500)
	}
	slices.Sort(in)
	if each := slices.Compact(slices.Clone(in)); len(in) != people || len(each) != people {
		t.Errorf("%d were let in, %d of them once; %d wait", len(in), len(each), people)
	}
}

// Package killed_test kills Redis. It is everybody's, so nothing else may run
// meanwhile, and these tests stand apart from those of its adapter, which may.
package killed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/room"
	"designkits/shared/fault"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func waitingRoom(t *testing.T) *redis.Room {
	t.Helper()
	client := redis.Open(testenv.Addr(t, "redis"), testenv.Namespace(t))
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return client.Room()
}

// unsynced has Redis leave it to the system when its file reaches the disk, until it
// is started again: while it syncs by itself answers may be ahead of the file.
func unsynced(t *testing.T) {
	t.Helper()
	plain := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer plain.Close()
	if err := plain.ConfigSet(t.Context(), "appendfsync", "no").Err(); err != nil {
		t.Fatal(err)
	}
}

func fan(n int) tickets.Account { return tickets.Account(fmt.Sprint("fan-", n)) }

func join(ctx context.Context, r *redis.Room, account tickets.Account) (room.Place, error) {
	return r.Join(ctx, "e", account, room.Lot([]byte("secret"), "e", account))
}

// joinAll has fans join until one can't.
func joinAll(ctx context.Context, r *redis.Room, from, to int) error {
	for n := from; n < to; n++ {
		if _, err := join(ctx, r, fan(n)); err != nil {
			return err
		}
	}
	return nil
}

func admit(t *testing.T, r *redis.Room, n int) []tickets.Account {
	t.Helper()
	token, err := r.Guard(t.Context(), "e", "ada", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := r.Admit(t.Context(), "e", token, n, 10)
	if err != nil {
		t.Fatal(err)
	}
	return accounts
}

// Redis is killed while people wait and others come, and started again: what it has
// answered stands in its append-only file.
func TestARedisThatIsKilledReshufflesNobody(t *testing.T) {
	kit, err := fault.Open()
	if err != nil {
		t.Fatal(err)
	}
	unsynced(t)
	r := waitingRoom(t)
	const early, late, people = 100, 200, 2000
	if err := errors.Join(joinAll(t.Context(), r, 0, early), r.Open(t.Context(), "e"), joinAll(t.Context(), r, early, late)); err != nil {
		t.Fatal(err)
	}
	in := admit(t, r, 10)
	fans := make([]tickets.Account, people)
	for n := range fans {
		fans[n] = fan(n)
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
				if place, err := join(t.Context(), r, fans[n]); err == nil {
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
	testenv.Eventually(t, time.Minute, "all have come", func() bool { return joinAll(t.Context(), r, 0, people) == nil })
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

package redis_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/room"
	"designkits/shared/testenv"

	goredis "github.com/redis/go-redis/v9"
)

func waitingRoom(t *testing.T) *redis.Room {
	t.Helper()
	client, _ := open(t, testenv.Addr(t, "redis"))
	return client.Room()
}

// fan is the nth account; its lot is drawn with a secret.
func fan(n int) (tickets.Account, uint64) {
	account := tickets.Account(fmt.Sprintf("fan-%06d", n))
	return account, room.Lot([]byte("secret"), "e", account)
}

func join(t *testing.T, r *redis.Room, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		account, lot := fan(n)
		if err := r.Join(t.Context(), "e", account, lot); err != nil {
			t.Fatal(err)
		}
	}
}

func admit(t *testing.T, r *redis.Room, n int) []tickets.Account {
	t.Helper()
	accounts, err := r.Admit(t.Context(), "e", n)
	if err != nil {
		t.Fatal(err)
	}
	return accounts
}

func TestTheEarlyAreDrawnAndTheLateQueue(t *testing.T) {
	r := waitingRoom(t)
	join(t, r, 0, 100)
	if got := admit(t, r, 10); len(got) != 0 {
		t.Fatalf("%v were let in before the start", got)
	}
	for range 2 {
		if err := r.Open(t.Context(), "e"); err != nil {
			t.Fatal(err)
		}
	}
	join(t, r, 100, 150)
	join(t, r, 0, 150) // again: nobody loses or wins by it

	var want []tickets.Account
	for n := range 100 {
		account, _ := fan(n)
		want = append(want, account)
	}
	slices.SortFunc(want, func(a, b tickets.Account) int {
		return int(int64(room.Lot([]byte("secret"), "e", a)) - int64(room.Lot([]byte("secret"), "e", b)))
	})
	for n := 100; n < 150; n++ {
		account, _ := fan(n)
		want = append(want, account)
	}
	for i, account := range want {
		place, err := r.Place(t.Context(), "e", account)
		if err != nil || place != (room.Place{Status: room.Waiting, Ahead: int64(i)}) {
			t.Fatalf("%s: %+v, %v; want %d ahead", account, place, err, i)
		}
	}
	var got []tickets.Account
	for len(got) < 150 {
		some := admit(t, r, 40)
		if len(some) == 0 {
			t.Fatalf("only %d were let in", len(got))
		}
		got = append(got, some...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("let in as %v\nwant %v", got, want)
	}
}

func TestPlaces(t *testing.T) {
	r := waitingRoom(t)
	account, lot := fan(1)
	status := func(want room.Status) {
		t.Helper()
		if place, err := r.Place(t.Context(), "e", account); err != nil || place.Status != want {
			t.Fatalf("%+v, %v; want %s", place, err, want)
		}
	}
	status(room.Unknown)
	join(t, r, 1, 2)
	status(room.Early)
	if err := r.Open(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	status(room.Waiting)
	admit(t, r, 1)
	status(room.Admitted)
	if err := r.Join(t.Context(), "e", account, lot); err != nil {
		t.Fatal(err)
	}
	status(room.Admitted)
	if n, err := r.Waiting(t.Context(), "e"); err != nil || n != 0 {
		t.Errorf("%d wait, %v", n, err)
	}
	if err := r.Leave(t.Context(), "e", account); err != nil {
		t.Fatal(err)
	}
	status(room.Unknown)
}

func TestEachIsLetInOnceByManyDoors(t *testing.T) {
	r := waitingRoom(t)
	join(t, r, 0, 500)
	if err := r.Open(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[tickets.Account]int{}
	var doors sync.WaitGroup
	for range 8 {
		doors.Go(func() {
			for {
				some, err := r.Admit(t.Context(), "e", 7)
				if err != nil {
					t.Error(err)
				}
				if len(some) == 0 {
					return
				}
				mu.Lock()
				for _, account := range some {
					seen[account]++
				}
				mu.Unlock()
			}
		})
	}
	doors.Wait()
	if len(seen) != 500 {
		t.Errorf("%d of 500 were let in", len(seen))
	}
	for account, n := range seen {
		if n != 1 {
			t.Errorf("%s was let in %d times", account, n)
		}
	}
}

// Half a million wait in 120 MiB.
func TestHalfAMillionWait(t *testing.T) {
	client, namespace := open(t, testenv.Addr(t, "redis"))
	const people = 500_000
	plain := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer plain.Close()
	key := namespace + ":{e}:queue"
	for from := 0; from < people; from += 10_000 {
		some := make([]goredis.Z, 10_000)
		for i := range some {
			account, lot := fan(from + i)
			some[i] = goredis.Z{Score: float64(lot), Member: string(account)}
		}
		if err := plain.ZAdd(t.Context(), key, some...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := client.Room().Waiting(t.Context(), "e"); err != nil || n != people {
		t.Fatalf("%d wait, %v", n, err)
	}
	used, err := plain.Do(t.Context(), "memory", "usage", key, "samples", "1000").Int64()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d wait in %d MiB", people, used>>20)
	if used > 120<<20 {
		t.Errorf("%d MiB", used>>20)
	}
}

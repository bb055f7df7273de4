package redis_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

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

// fan is the nth account, with a name as long as those of identity.NewAccount;
// its lot is drawn with a secret.
func fan(n int) (tickets.Account, uint64) {
	account := tickets.Account(fmt.Sprintf("fan-%022d", n))
	return account, room.Lot([]byte("secret"), "e", account)
}

func join(t *testing.T, r *redis.Room, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		account, lot := fan(n)
		if _, err := r.Join(t.Context(), "e", account, lot); err != nil {
			t.Fatal(err)
		}
	}
}

// guard makes somebody the doorkeeper.
func guard(t *testing.T, r *redis.Room, keeper string) int64 {
	t.Helper()
	token, err := r.Guard(t.Context(), "e", keeper, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// place looks up where somebody stands, and forgets mark and rate.
func place(t *testing.T, r *redis.Room, account tickets.Account) (room.Place, error) {
	t.Helper()
	places, err := r.Places(t.Context(), "e", account)
	if err != nil || len(places) != 1 {
		t.Fatalf("%v, %v", places, err)
	}
	places[0].Mark, places[0].Rate = 0, 0
	return places[0], err
}

func admit(t *testing.T, r *redis.Room, n int) []tickets.Account {
	t.Helper()
	accounts, err := r.Admit(t.Context(), "e", guard(t, r, "ada"), n, 10)
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
		stands, err := place(t, r, account)
		if err != nil || stands != (room.Place{Status: room.Waiting, Ahead: int64(i)}) {
			t.Fatalf("%s: %+v, %v; want %d ahead", account, stands, err, i)
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
		if place, err := place(t, r, account); err != nil || place.Status != want {
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
	if place, err := r.Join(t.Context(), "e", account, lot); err != nil || place.Status != room.Admitted {
		t.Fatal(place, err)
	}
	status(room.Admitted)
	if head, err := r.Head(t.Context(), "e"); err != nil || head.Waiting != 0 || head.Served != 1 || head.Rate != 10 || !head.Open {
		t.Errorf("%+v, %v", head, err)
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
	token := guard(t, r, "ada")
	var mu sync.Mutex
	seen := map[tickets.Account]int{}
	var doors sync.WaitGroup
	for range 8 {
		doors.Go(func() {
			for {
				some, err := r.Admit(t.Context(), "e", token, 7, 10)
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
	defer func() { // at once: the others' tests need the room
		if err := plain.Unlink(context.Background(), key).Err(); err != nil {
			t.Error(err)
		}
	}()
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
	if head, err := client.Room().Head(t.Context(), "e"); err != nil || head.Waiting != people {
		t.Fatalf("%+v, %v", head, err)
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

// A doorkeeper that was away for too long lets nobody in.
func TestOneDoorkeeperAtATime(t *testing.T) {
	client, namespace := open(t, testenv.Addr(t, "redis"))
	r := client.Room()
	join(t, r, 0, 10)
	if err := r.Open(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	first := guard(t, r, "ada")
	if again := guard(t, r, "ada"); again != first {
		t.Errorf("the same doorkeeper has token %d, then %d", first, again)
	}
	if _, err := r.Guard(t.Context(), "e", "bob", time.Minute); !errors.Is(err, room.ErrGuarded) {
		t.Fatalf("a second doorkeeper: %v", err)
	}
	plain := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer plain.Close()
	if err := plain.Del(t.Context(), namespace+":{e}:keeper").Err(); err != nil { // its time is over
		t.Fatal(err)
	}
	second := guard(t, r, "bob")
	if second <= first {
		t.Errorf("tokens %d, then %d", first, second)
	}
	if some, err := r.Admit(t.Context(), "e", first, 5, 10); !errors.Is(err, room.ErrRelieved) || len(some) != 0 {
		t.Errorf("the first doorkeeper let in %v, %v", some, err)
	}
	if some, err := r.Admit(t.Context(), "e", second, 5, 10); err != nil || len(some) != 5 {
		t.Errorf("the second let in %v, %v", some, err)
	}
}

func TestPressureIsWhatWasReportedLately(t *testing.T) {
	client, namespace := open(t, testenv.Addr(t, "redis"))
	p := client.Pressure()
	if reports, err := p.Reports(t.Context()); err != nil || len(reports) != 0 {
		t.Fatalf("%v, %v", reports, err)
	}
	for replica, p99 := range map[string]time.Duration{"b1": 30 * time.Millisecond, "b2": 0} {
		if err := p.Report(t.Context(), replica, p99); err != nil {
			t.Fatal(err)
		}
	}
	plain := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer plain.Close()
	old := fmt.Sprintf("%d %d", time.Hour, time.Now().Add(-room.FreshFor-time.Second).UnixMilli())
	if err := plain.HSet(t.Context(), namespace+":pressure", "b3", old).Err(); err != nil {
		t.Fatal(err)
	}
	reports, err := p.Reports(t.Context())
	if want := map[string]time.Duration{"b1": 30 * time.Millisecond, "b2": 0}; err != nil || !maps.Equal(reports, want) {
		t.Errorf("%v, %v, want %v", reports, err, want)
	}
}

// Those who join at the same moment share calls of the script. Each asks twice, as
// a page does that is loaded again.
func TestThoseWhoJoinTogetherHaveAPlaceEach(t *testing.T) {
	r := waitingRoom(t)
	events := []tickets.EventID{"e", "other"}
	join(t, r, 0, 40)
	for _, event := range events {
		if err := r.Open(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	in := admit(t, r, 10)
	const people = 400
	var marks [people][2][2]float64 // by event and time of asking
	var all sync.WaitGroup
	for n := range people {
		account, lot := fan(n)
		for i, event := range events {
			for again := range 2 {
				all.Go(func() {
					place, err := r.Join(t.Context(), event, account, lot)
					if err != nil {
						t.Error(err)
					}
					marks[n][i][again] = place.Mark
				})
			}
		}
	}
	all.Wait()
	for i, event := range events {
		seen := map[float64]bool{}
		for n := range people {
			account, _ := fan(n)
			mark := marks[n][i]
			if admitted := event == "e" && slices.Contains(in, account); mark[0] != mark[1] || (mark[0] == 0) != admitted || seen[mark[0]] && !admitted {
				t.Errorf("%s in %s, let in before %t: marks %v, another's %t", account, event, admitted, mark, seen[mark[0]])
			}
			seen[mark[0]] = true
		}
	}
}

package redis_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/room"
	"designkits/shared/testenv"

	goredis "github.com/redis/go-redis/v9"
)

// rounds counts how often a door has gone to its event, and keeps the rate at which it
// began to let people in. To look at the queue takes a second by the door's clock.
type rounds struct {
	room.Room
	n     atomic.Int64
	first atomic.Pointer[float64]
	held  atomic.Int64 // ns that looking has taken
}

func (r *rounds) Head(ctx context.Context, event tickets.EventID) (room.Head, error) {
	r.held.Add(int64(time.Second))
	return r.Room.Head(ctx, event)
}

func (r *rounds) Admit(ctx context.Context, event tickets.EventID, token int64, n int, rate float64) ([]tickets.Account, error) {
	r.first.CompareAndSwap(nil, &rate)
	return r.Room.Admit(ctx, event, token, n, rate)
}

func (r *rounds) Guard(ctx context.Context, event tickets.EventID, keeper string, d time.Duration) (int64, error) {
	r.n.Add(1)
	return r.Room.Guard(ctx, event, keeper, d)
}

// door lets people in until it is stopped, from 10 to 1000 a second. Its clock
// is twenty times as fast, so that it looks at booking each round.
func door(t *testing.T, client *redis.Client, keeper string) (went *rounds, stop func()) {
	t.Helper()
	began := time.Now()
	went = &rounds{Room: client.Room()}
	d := &room.Door{
		Room: went, Pressure: client.Pressure(), Keeper: keeper, Log: slog.New(slog.DiscardHandler),
		Events: func() []tickets.Event {
			return []tickets.Event{{ID: "e", OnSale: began, Starts: began.Add(100 * time.Hour)}, {ID: "later", OnSale: began.Add(10 * time.Hour)}}
		},
		SoldOut:   func(tickets.EventID) bool { return false },
		Admission: func(tickets.Event) *room.Admission { return room.NewAdmission(100*time.Millisecond, 10, 1000) },
		Now:       func() time.Time { return began.Add(20*time.Since(began) + time.Duration(went.held.Load())) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return went, stop
}

func report(t *testing.T, client *redis.Client, p99 time.Duration) {
	t.Helper()
	if err := client.Pressure().Report(t.Context(), "b1", p99); err != nil {
		t.Fatal(err)
	}
}

func rate(t *testing.T, r *redis.Room) float64 {
	t.Helper()
	head, err := r.Head(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	return head.Rate
}

func TestTheDoorGoesFasterWhileBookingIsFastAndAnotherGoesOnFromThere(t *testing.T) {
	client, namespace := open(t, testenv.Addr(t, "redis"))
	r := client.Room()
	crowd := make([]goredis.Z, 50_000)
	for i := range crowd {
		account, lot := fan(i)
		crowd[i] = goredis.Z{Score: float64(lot), Member: string(account)}
	}
	plain := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer plain.Close()
	if err := plain.ZAdd(t.Context(), namespace+":{e}:queue", crowd...).Err(); err != nil {
		t.Fatal(err)
	}

	_, stop := door(t, client, "ada")
	testenv.Eventually(t, time.Minute, "the rate grows", func() bool { report(t, client, 20*time.Millisecond); return rate(t, r) > 150 })
	stop()
	before := rate(t, r)
	went, _ := door(t, client, "bob")
	report(t, client, time.Second)
	testenv.Eventually(t, time.Minute, "another lets people in", func() bool { return went.first.Load() != nil })
	if first := *went.first.Load(); first < 0.3*before || first > before {
		t.Errorf("the second begins at %.0f a second, the first was at %.0f", first, before)
	}
	testenv.Eventually(t, time.Minute, "it slows down with booking", func() bool { report(t, client, time.Second); return rate(t, r) < 15 })
	// Nobody reports: booking is away, which is no reason to go faster.
	if err := plain.Del(t.Context(), namespace+":pressure").Err(); err != nil {
		t.Fatal(err)
	}
	was := went.n.Load()
	testenv.Eventually(t, time.Minute, "some rounds", func() bool { return went.n.Load() > was+5 })
	if got := rate(t, r); got > 15 {
		t.Errorf("without booking %.0f a second", got)
	}
}

func TestTheRateDoesNotGrowWhileNobodyWaits(t *testing.T) {
	client, _ := open(t, testenv.Addr(t, "redis"))
	went, _ := door(t, client, "ada")
	testenv.Eventually(t, time.Minute, "some rounds", func() bool { report(t, client, 0); return went.n.Load() > 8 })
	if got := rate(t, client.Room()); got != 10 {
		t.Errorf("%.0f a second", got)
	}
	if head, err := client.Room().Head(t.Context(), "later"); err != nil || head.Open {
		t.Errorf("a sale that hasn't begun: %+v, %v", head, err)
	}
	if head, err := client.Room().Head(t.Context(), "e"); err != nil || !head.Open {
		t.Errorf("one that has: %+v, %v", head, err)
	}
}

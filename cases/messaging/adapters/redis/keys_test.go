package redis_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/redis"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func open(t *testing.T, namespace string) *redis.Client {
	t.Helper()
	c := redis.Open(testenv.Addr(t, "redis"), namespace)
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestALinkCodeIsRedeemedOnceOfMany(t *testing.T) {
	codes := open(t, testenv.Namespace(t)).LinkCodes()
	code, ana := messaging.NewLinkCode(), messaging.NewUserID()
	if _, err := codes.Redeem(t.Context(), code); !errors.Is(err, messaging.ErrNotFound) {
		t.Fatalf("before it was offered: %v", err)
	}
	if err := codes.Offer(t.Context(), code, ana); err != nil {
		t.Fatal(err)
	}
	var redeemed atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			u, err := codes.Redeem(t.Context(), code)
			if err == nil && u == ana {
				redeemed.Add(1)
			} else if !errors.Is(err, messaging.ErrNotFound) {
				t.Error(u, err)
			}
		})
	}
	all.Wait()
	if n := redeemed.Load(); n != 1 {
		t.Errorf("redeemed %d times", n)
	}
}

func TestWhoIsSignedOutIsKnownAtOnceAndTold(t *testing.T) {
	namespace := testenv.Namespace(t)
	here := open(t, namespace).SignOuts(slog.New(slog.DiscardHandler))
	there := open(t, namespace).SignOuts(slog.New(slog.DiscardHandler))
	a, b := messaging.Address{User: messaging.NewUserID(), Device: 2}, messaging.Address{User: messaging.NewUserID(), Device: 1}
	told, listening := make(chan messaging.Address, 4), make(chan bool, 4)
	ctx, end := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() {
		_ = there.Follow(ctx, func(a messaging.Address) { told <- a }, func() { listening <- true })
	})
	t.Cleanup(func() { end(); following.Wait() })
	<-listening
	if err := here.SignOut(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-told:
		if got != a {
			t.Errorf("told of %s", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nobody was told")
	}
	for device, want := range map[messaging.Address]bool{a: true, b: false} {
		if is, err := there.SignedOut(t.Context(), device); err != nil || is != want {
			t.Errorf("%s: %v, %v", device, is, err)
		}
	}
}

func TestARequestIsCarriedOutOnce(t *testing.T) {
	attempts := open(t, testenv.Namespace(t)).Attempts()
	hash, other := sha256.Sum256([]byte("this")), sha256.Sum256([]byte("that"))
	var begun atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, outcome, err := attempts.Begin(t.Context(), "k", hash, "a plan")
			if err == nil && outcome == nil {
				begun.Add(1)
			} else if !errors.Is(err, messaging.ErrUnderWay) {
				t.Error(outcome, err)
			}
		})
	}
	all.Wait()
	if n := begun.Load(); n != 1 {
		t.Fatalf("%d have begun it", n)
	}
	if err := attempts.Abandon(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if plan, outcome, err := attempts.Begin(t.Context(), "k", hash, "another plan"); err != nil || outcome != nil || plan != "a plan" {
		t.Fatalf("taken up again: %q %q, %v", plan, outcome, err)
	}
	if err := attempts.Finish(t.Context(), "k", []byte(`{"done":1}`)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, outcome, err := attempts.Begin(t.Context(), "k", hash, "x"); err != nil || string(outcome) != `{"done":1}` {
			t.Errorf("when it is done: %q, %v", outcome, err)
		}
	}
	if _, _, err := attempts.Begin(t.Context(), "k", other, "x"); !errors.Is(err, messaging.ErrKeyReused) {
		t.Errorf("of another request: %v", err)
	}
}

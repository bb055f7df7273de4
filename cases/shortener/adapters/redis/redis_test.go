package redis_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/redis"
	"designkits/shared/fault/link"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// open returns a client of the real Redis under a namespace.
func open(t *testing.T, addr, namespace string) *redis.Client {
	t.Helper()
	client := redis.Open(addr, namespace)
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return client
}

func fresh(t *testing.T) *redis.Client {
	t.Helper()
	return open(t, testenv.Addr(t, "redis"), testenv.Namespace(t))
}

// plain is a client of the driver, to look at and to lose what is stored.
func plain(t *testing.T) *goredis.Client {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// lose removes everything that the namespace holds, as a Redis that comes back
// empty would.
func lose(t *testing.T, namespace string) {
	t.Helper()
	client := plain(t)
	keys, err := client.Keys(t.Context(), namespace+":*").Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) == 0 {
		t.Fatal("there was nothing to lose")
	}
	if err := client.Del(t.Context(), keys...).Err(); err != nil {
		t.Fatal(err)
	}
}

func entry(code shortener.Code, version int64) shortener.Entry {
	return shortener.Entry{Link: shortener.Link{
		Code: code, Target: fmt.Sprintf("https://example.com/%d", version), Owner: "o",
		Created: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Version: version,
	}}
}

func TestCacheKeepsTheHigherVersion(t *testing.T) {
	cache := fresh(t).Cache()
	if _, found, err := cache.Get(t.Context(), "none"); err != nil || found {
		t.Fatalf("a code never filled: found %v, %v", found, err)
	}
	created := time.Now().UnixMilli() // versions have 13 digits
	for _, step := range []struct {
		fill shortener.Entry
		want int64
	}{
		{shortener.Entry{Link: shortener.Link{Code: "c"}, Missing: true}, 0},
		{entry("c", created), created},
		{entry("c", created+2), created + 2},
		{entry("c", created+1), created + 2}, // a slow reader
		{shortener.Entry{Link: shortener.Link{Code: "c"}, Missing: true}, created + 2},
		{shortener.Entry{Link: shortener.Link{Code: "c", Version: created + 3}, Missing: true}, created + 3},
		{entry("c", created+1000), created + 1000}, // claimed again
	} {
		if err := cache.Fill(t.Context(), step.fill, time.Minute); err != nil {
			t.Fatal(err)
		}
		got, found, err := cache.Get(t.Context(), "c")
		if err != nil || !found || got.Link.Version != step.want {
			t.Fatalf("after %+v: %+v, %v, %v; want version %d", step.fill, got, found, err, step.want)
		}
	}
	if got, _, _ := cache.Get(t.Context(), "c"); got != entry("c", created+1000) {
		t.Errorf("came back as %+v", got)
	}
}

func TestCacheFillsRaceAndTheHighestWins(t *testing.T) {
	cache := fresh(t).Cache()
	var fills sync.WaitGroup
	for version := range int64(200) {
		fills.Go(func() {
			if err := cache.Fill(t.Context(), entry("c", version), time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	fills.Wait()
	if got, _, err := cache.Get(t.Context(), "c"); err != nil || got.Link.Version != 199 {
		t.Errorf("version %d, %v", got.Link.Version, err)
	}
}

func TestCacheEntriesExpire(t *testing.T) {
	cache := fresh(t).Cache()
	if err := cache.Fill(t.Context(), entry("c", 1), 30*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the entry is gone", func() bool {
		_, found, err := cache.Get(t.Context(), "c")
		return err == nil && !found
	})
}

func TestNamespacesDontSeeEachOther(t *testing.T) {
	one, other := fresh(t).Cache(), fresh(t).Cache()
	if err := one.Fill(t.Context(), entry("c", 1), time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, found, err := other.Get(t.Context(), "c"); err != nil || found {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestSlowRedisEndsWithTheContext(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	cache := open(t, way.Addr(), testenv.Namespace(t)).Cache()
	if err := cache.Fill(t.Context(), entry("c", 1), time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := way.Delay(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, _, err = cache.Get(ctx, "c")
	if took := time.Since(began); err == nil || took > 2*time.Second {
		t.Errorf("answered %v after %s", err, took)
	}
}

// A listener remembers what Follow told it.
type listener struct {
	changes *redis.Changes
	mu      sync.Mutex
	heard   []int64
	lost    atomic.Int64
}

// follow follows changes until the test ends, and returns once they are live.
func follow(t *testing.T, changes *redis.Changes) *listener {
	t.Helper()
	l := &listener{changes: changes}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- changes.Follow(ctx, func(e shortener.Entry) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.heard = append(l.heard, e.Link.Version)
		}, func() { l.lost.Add(1) })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("Follow ended with %v", err)
		}
	})
	testenv.Eventually(t, 20*time.Second, "changes are live", changes.Live)
	return l
}

// hears waits until exactly these versions were heard, in this order.
func (l *listener) hears(t *testing.T, want ...int64) {
	t.Helper()
	testenv.Eventually(t, 20*time.Second, fmt.Sprintf("%v is heard", want), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return fmt.Sprint(l.heard) == fmt.Sprint(want)
	})
}

func announce(t *testing.T, changes *redis.Changes, versions ...int64) {
	t.Helper()
	for _, v := range versions {
		if err := changes.Announce(t.Context(), entry("c", v)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChangesReachEveryFollowerInOrder(t *testing.T) {
	addr, namespace := testenv.Addr(t, "redis"), testenv.Namespace(t)
	one := open(t, addr, namespace).Changes(slog.New(slog.DiscardHandler))
	two := open(t, addr, namespace).Changes(slog.New(slog.DiscardHandler))
	announce(t, one, 1) // before anybody follows: not heard
	first, second := follow(t, one), follow(t, two)
	announce(t, one, 2, 3)
	announce(t, two, 4)
	first.hears(t, 2, 3, 4)
	second.hears(t, 2, 3, 4)
	for _, l := range []*listener{first, second} {
		if n := l.lost.Load(); n != 1 {
			t.Errorf("lost %d times, not once, at the start", n)
		}
	}
}

func TestFollowerMissesNothingAcrossALostConnection(t *testing.T) {
	namespace := testenv.Namespace(t)
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	announcer := open(t, testenv.Addr(t, "redis"), namespace).Changes(slog.New(slog.DiscardHandler))
	changes := open(t, way.Addr(), namespace).Changes(slog.New(slog.DiscardHandler))
	l := follow(t, changes)
	announce(t, announcer, 1)
	l.hears(t, 1)

	way.Cut()
	testenv.Eventually(t, 20*time.Second, "the follower notices", func() bool { return !changes.Live() })
	announce(t, announcer, 2, 3, 4)
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	l.hears(t, 1, 2, 3, 4)
	testenv.Eventually(t, 20*time.Second, "changes are live again", changes.Live)
	if n := l.lost.Load(); n != 1 {
		t.Errorf("nothing was missed, but lost was called %d times", n)
	}
}

func TestSlowRedisIsNotLive(t *testing.T) {
	way, err := link.Open(testenv.Addr(t, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	changes := open(t, way.Addr(), testenv.Namespace(t)).Changes(slog.New(slog.DiscardHandler))
	follow(t, changes)
	if err := way.Delay(3 * time.Second); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the follower notices", func() bool { return !changes.Live() })
}

// Who was held up doesn't know what was announced meanwhile, and mustn't count as live
// for what was heard before.
func TestAFollowerThatWasHeldUpIsNotLive(t *testing.T) {
	changes := open(t, testenv.Addr(t, "redis"), testenv.Namespace(t)).Changes(slog.New(slog.DiscardHandler))
	held, hold, live := make(chan struct{}), make(chan struct{}), make(chan bool, 1)
	letGo := sync.OnceFunc(func() { close(hold) })
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() {
		_ = changes.Follow(ctx, func(e shortener.Entry) { // ends with the context
			if e.Link.Version == 1 {
				close(held)
				<-hold
			} else {
				live <- changes.Live()
			}
		}, func() {})
	})
	defer func() {
		cancel()
		letGo()
		following.Wait()
	}()
	testenv.Eventually(t, 20*time.Second, "changes are live", changes.Live)
	announce(t, changes, 1)
	<-held
	announce(t, changes, 2)
	<-time.After(shortener.StaleLimit) // the passing of time is what is tested
	letGo()
	if <-live {
		t.Errorf("changes are live, and one of %s ago wasn't applied", shortener.StaleLimit)
	}
}

// What was announced while the follower was away may be gone when it is back.
func TestFollowerFindsOutWhenChangesAreGone(t *testing.T) {
	for name, disaster := range map[string]func(t *testing.T, namespace string, announcer *redis.Changes){
		"the stream was trimmed past it": func(t *testing.T, namespace string, announcer *redis.Changes) {
			announce(t, announcer, 2, 3)
			if err := plain(t).XTrimMaxLen(t.Context(), namespace+":changes", 1).Err(); err != nil {
				t.Fatal(err)
			}
		},
		"Redis came back empty, and there are new changes": func(t *testing.T, namespace string, announcer *redis.Changes) {
			announce(t, announcer, 2)
			lose(t, namespace)
			announce(t, announcer, 3)
		},
		"Redis came back empty": func(t *testing.T, namespace string, announcer *redis.Changes) {
			announce(t, announcer, 2, 3)
			lose(t, namespace)
		},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := testenv.Namespace(t)
			way, err := link.Open(testenv.Addr(t, "redis"))
			if err != nil {
				t.Fatal(err)
			}
			defer way.Close()
			announcer := open(t, testenv.Addr(t, "redis"), namespace).Changes(slog.New(slog.DiscardHandler))
			changes := open(t, way.Addr(), namespace).Changes(slog.New(slog.DiscardHandler))
			l := follow(t, changes)
			announce(t, announcer, 1)
			l.hears(t, 1)
			way.Cut()
			testenv.Eventually(t, 20*time.Second, "the follower notices", func() bool { return !changes.Live() })
			disaster(t, namespace, announcer)
			if err := way.Mend(); err != nil {
				t.Fatal(err)
			}
			testenv.Eventually(t, 20*time.Second, "what was learned is given up", func() bool { return l.lost.Load() == 2 })
			testenv.Eventually(t, 20*time.Second, "changes are live again", changes.Live)
			announce(t, announcer, 9)
			testenv.Eventually(t, 20*time.Second, "new changes are heard", func() bool {
				l.mu.Lock()
				defer l.mu.Unlock()
				return l.heard[len(l.heard)-1] == 9
			})
			if n := l.lost.Load(); n != 2 {
				t.Errorf("lost %d times", n)
			}
		})
	}
}

func TestFollowerFindsOutWhenTheStreamIsLostWhileItListens(t *testing.T) {
	namespace := testenv.Namespace(t)
	changes := open(t, testenv.Addr(t, "redis"), namespace).Changes(slog.New(slog.DiscardHandler))
	l := follow(t, changes)
	announce(t, changes, 1)
	l.hears(t, 1)
	lose(t, namespace)
	testenv.Eventually(t, 20*time.Second, "what was learned is given up", func() bool { return l.lost.Load() == 2 })
	announce(t, changes, 2)
	l.hears(t, 1, 2)
}

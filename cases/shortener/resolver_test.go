package shortener_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/adapters/redis"
	"designkits/shared/fault/link"
	"designkits/shared/testenv"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// keyspace is shared by the tests of resolving: making one takes seconds. Each
// test has its own codes.
var keyspace struct {
	once sync.Once
	name string
}

// openStore connects to the real store, over a way of its own.
func openStore(t *testing.T, addr string) *cassandra.DB {
	t.Helper()
	keyspace.once.Do(func() { keyspace.name = testenv.Namespace(t) })
	db, err := cassandra.Open(t.Context(), cassandra.Config{Hosts: []string{addr}, Keyspace: keyspace.name, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// A watchedStore counts the reads of the real store, and can hold each after it
// has read and before it answers.
type watchedStore struct {
	shortener.LinkStore
	reads atomic.Int64
	hold  atomic.Pointer[chan struct{}] // closed to let them go
}

func (w *watchedStore) Get(ctx context.Context, code shortener.Code) (shortener.Link, error) {
	l, err := w.LinkStore.Get(ctx, code)
	w.reads.Add(1)
	if hold := w.hold.Load(); hold != nil {
		select {
		case <-*hold:
		case <-ctx.Done():
			return shortener.Link{}, ctx.Err()
		}
	}
	return l, err
}

// holding makes reads wait until the returned function is called.
func (w *watchedStore) holding() (letGo func()) {
	hold := make(chan struct{})
	w.hold.Store(&hold)
	return sync.OnceFunc(func() { w.hold.Store(nil); close(hold) })
}

// A resolving is a resolver on real stores.
type resolving struct {
	*shortener.Resolver
	store   *watchedStore
	cache   shortener.SharedCache // the breaker is between
	changes shortener.Changes
	redis   *link.Link
	db      *link.Link
}

type place struct{ namespace string } // in Redis, shared by replicas

func startResolving(t *testing.T, at place, cfg shortener.ResolverConfig) *resolving {
	t.Helper()
	r := &resolving{}
	for backend, way := range map[string]**link.Link{"redis": &r.redis, "cassandra": &r.db} {
		l, err := link.Open(testenv.Addr(t, backend))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		*way = l
	}
	client := redis.Open(r.redis.Addr(), at.namespace)
	r.store = &watchedStore{LinkStore: openStore(t, r.db.Addr()).Links()}
	r.cache = shortener.GuardCache(client.Cache(), shortener.NewBreaker(shortener.BreakerConfig{Deadline: time.Second}))
	r.changes = client.Changes(slog.New(slog.DiscardHandler))
	if cfg.ReadWithin == 0 {
		cfg.ReadWithin = 30 * time.Second
	}
	r.Resolver = shortener.NewResolver(r.store, r.cache, r.changes, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { _ = r.Follow(ctx) }) // ends with the context
	t.Cleanup(func() {
		cancel()
		following.Wait()
		r.Close()
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	testenv.Eventually(t, 10*time.Second, "changes are heard", r.changes.Live)
	return r
}

func newPlace(t *testing.T) place { return place{testenv.Namespace(t)} }

var aliases atomic.Int64

// claim stores a link under a new alias and tells nobody.
func (r *resolving) claim(t *testing.T) shortener.Link {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	l := shortener.Link{
		Code:   shortener.Code(fmt.Sprintf("resolve-%x-%d", now.UnixNano(), aliases.Add(1))),
		Target: "https://example.com/1", Owner: "o", Created: now, Version: now.UnixMilli(),
	}
	if err := r.store.Claim(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	return l
}

// retarget changes the link in the store and tells nobody.
func (r *resolving) retarget(t *testing.T, code shortener.Code, target string) shortener.Link {
	t.Helper()
	l, err := r.store.Update(t.Context(), code, func(l *shortener.Link) error { l.Target = target; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// leads says where a code leads, or why not.
func (r *resolving) leads(t *testing.T, code shortener.Code) string {
	t.Helper()
	l, err := r.Resolve(t.Context(), code)
	switch {
	case errors.Is(err, shortener.ErrNotFound):
		return "unknown"
	case err != nil:
		t.Fatal(err)
	}
	return l.Target
}

func TestAThousandMissesOnOneCodeAreOneRead(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	letGo := r.store.holding()
	defer letGo()
	const callers = 1000
	var asking sync.WaitGroup
	var right atomic.Int64
	for range callers {
		asking.Go(func() {
			if got, err := r.Resolve(t.Context(), l.Code); err == nil && got.Target == l.Target {
				right.Add(1)
			}
		})
	}
	testenv.Eventually(t, 20*time.Second, "all wait for one read", func() bool {
		return r.store.reads.Load() == 1 && r.Figures().Coalesced == callers-1
	})
	letGo()
	asking.Wait()
	if reads := r.store.reads.Load(); reads != 1 || right.Load() != callers {
		t.Errorf("%d reads, %d right answers", reads, right.Load())
	}
}

func TestOneCallerGoingAwayLeavesTheOthersTheirAnswer(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	letGo := r.store.holding()
	defer letGo()
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := r.Resolve(ctx, l.Code); first <- err }()
	testenv.Eventually(t, 10*time.Second, "the first reads", func() bool { return r.store.reads.Load() == 1 })
	second := make(chan error, 1)
	go func() { _, err := r.Resolve(t.Context(), l.Code); second <- err }()
	testenv.Eventually(t, 10*time.Second, "the second waits", func() bool { return r.Figures().Coalesced == 1 })
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	letGo()
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
}

// A read that has seen the older version comes back after the change was
// announced: neither its waiters nor anybody later may get what it has read.
func TestAReadThatAChangeOvertakesIsNotKept(t *testing.T) {
	for name, c := range map[string]struct {
		exists bool
		change func(t *testing.T, r *resolving, l shortener.Link) shortener.Entry
		want   string
	}{
		"updated": {true, func(t *testing.T, r *resolving, l shortener.Link) shortener.Entry {
			return shortener.Entry{Link: r.retarget(t, l.Code, "https://example.com/2")}
		}, "https://example.com/2"},
		"deleted": {true, func(t *testing.T, r *resolving, l shortener.Link) shortener.Entry {
			if _, err := r.store.Delete(t.Context(), l.Code, func(shortener.Link) error { return nil }); err != nil {
				t.Fatal(err)
			}
			return shortener.Entry{Link: shortener.Link{Code: l.Code, Version: l.Version + 1}, Missing: true}
		}, "unknown"},
		"claimed": {false, func(t *testing.T, r *resolving, l shortener.Link) shortener.Entry {
			if err := r.store.Claim(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			return shortener.Entry{Link: l}
		}, "https://example.com/1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
			l := r.claim(t)
			if !c.exists {
				l.Code += "-other"
			}
			letGo := r.store.holding()
			defer letGo()
			waiter := make(chan string, 1)
			go func() { waiter <- r.leads(t, l.Code) }()
			testenv.Eventually(t, 10*time.Second, "the old version is read", func() bool { return r.store.reads.Load() == 1 })
			r.Apply(c.change(t, r, l))
			letGo()
			if got := <-waiter; got != c.want {
				t.Errorf("who waited for the read got %s, want %s", got, c.want)
			}
			if got := r.leads(t, l.Code); got != c.want {
				t.Errorf("afterwards it leads to %s, want %s", got, c.want)
			}
			if reads := r.store.reads.Load(); reads != 1 {
				t.Errorf("%d reads", reads)
			}
		})
	}
}

func TestAppliedInAnyOrderTheHighestVersionWins(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	tests := 0
	rapid.Check(t, func(t *rapid.T) {
		tests++
		code := shortener.Code(fmt.Sprintf("order-%d", tests))
		highest := shortener.Entry{}
		for _, version := range rapid.SliceOfN(rapid.Int64Range(1, 20), 1, 30).Draw(t, "versions") {
			e := shortener.Entry{Link: shortener.Link{Code: code, Version: version, Target: fmt.Sprint(version)}, Missing: version%4 == 0}
			r.Apply(e)
			if version >= highest.Link.Version {
				highest = e
			}
		}
		l, err := r.Resolve(context.Background(), code)
		if highest.Missing != errors.Is(err, shortener.ErrNotFound) || err == nil && l != highest.Link {
			t.Fatalf("%+v, %v; want %+v", l, err, highest)
		}
	})
	if reads := r.store.reads.Load(); reads != 0 {
		t.Errorf("%d reads of what was announced", reads)
	}
}

func TestUnknownCodesAreRememberedUntilTheyAreClaimed(t *testing.T) {
	at := newPlace(t)
	one, two := startResolving(t, at, shortener.ResolverConfig{}), startResolving(t, at, shortener.ResolverConfig{})
	l := one.claim(t)
	l.Code += "-other"
	for range 10 {
		if got := two.leads(t, l.Code); got != "unknown" {
			t.Fatal(got)
		}
	}
	if reads := two.store.reads.Load(); reads != 1 {
		t.Errorf("%d reads", reads)
	}
	if err := one.store.Claim(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := one.cache.Fill(t.Context(), shortener.Entry{Link: l}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := one.changes.Announce(t.Context(), shortener.Entry{Link: l}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Second, "the claim is seen", func() bool { return two.leads(t, l.Code) == l.Target })
}

func TestWhatOneReplicaHasReadTheOthersNeedNot(t *testing.T) {
	at := newPlace(t)
	one, two := startResolving(t, at, shortener.ResolverConfig{}), startResolving(t, at, shortener.ResolverConfig{})
	l := one.claim(t)
	one.leads(t, l.Code)
	testenv.Eventually(t, 10*time.Second, "the shared cache is filled", func() bool {
		_, found, err := one.cache.Get(t.Context(), l.Code)
		return err == nil && found
	})
	if got := two.leads(t, l.Code); got != l.Target {
		t.Error(got)
	}
	if reads := two.store.reads.Load(); reads != 0 {
		t.Errorf("%d reads", reads)
	}
}

func TestWithoutChangesNothingIsTrustedForLong(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	r.leads(t, l.Code)
	r.redis.Cut()
	testenv.Eventually(t, shortener.StaleLimit, "the connection is missed", func() bool { return !r.changes.Live() })
	r.retarget(t, l.Code, "https://example.com/2") // and nobody can be told
	testenv.Eventually(t, shortener.StaleLimit+500*time.Millisecond, "the change is seen", func() bool { return r.leads(t, l.Code) == "https://example.com/2" })
}

func TestWithoutAnyStoreWhatIsHeldIsServed(t *testing.T) {
	clock := newTestClock()
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Clock: clock.now, ReadWithin: 2 * time.Second})
	l := r.claim(t)
	r.leads(t, l.Code)
	r.redis.Cut()
	r.db.Cut()
	testenv.Eventually(t, 5*time.Second, "the connection is missed", func() bool { return !r.changes.Live() })
	clock.add(time.Minute)
	if got := r.leads(t, l.Code); got != l.Target || r.Figures().Stale == 0 {
		t.Errorf("without stores it leads to %s; %+v", got, r.Figures())
	}
	if _, err := r.Resolve(t.Context(), l.Code+"-x"); err == nil || errors.Is(err, shortener.ErrNotFound) {
		t.Errorf("a code that isn't held: %v, but it can't be known whether it exists", err)
	}
	if err := r.db.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the store answers again", func() bool {
		_, err := r.Resolve(t.Context(), l.Code+"-x")
		return errors.Is(err, shortener.ErrNotFound)
	})
}

func TestDistrustMakesEverythingBeReadAgain(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
	l := r.claim(t)
	r.leads(t, l.Code)
	testenv.Eventually(t, 10*time.Second, "the shared cache is filled", func() bool {
		_, found, err := r.cache.Get(t.Context(), l.Code)
		return err == nil && found
	})
	changed := r.retarget(t, l.Code, "https://example.com/2")
	if err := r.cache.Fill(t.Context(), shortener.Entry{Link: changed}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := r.leads(t, l.Code); got != l.Target {
		t.Fatalf("it is read again each time: %s", got)
	}
	r.Distrust()
	if got := r.leads(t, l.Code); got != changed.Target {
		t.Errorf("it leads to %s", got)
	}
}

func TestASharedCacheThatHasGoneBackIsNotBelieved(t *testing.T) {
	at := newPlace(t)
	r := startResolving(t, at, shortener.ResolverConfig{})
	old := r.claim(t)
	if err := r.cache.Fill(t.Context(), shortener.Entry{Link: old}, time.Minute); err != nil {
		t.Fatal(err)
	}
	r.Apply(shortener.Entry{Link: r.retarget(t, old.Code, "https://example.com/2")})
	r.Distrust()
	if got := r.leads(t, old.Code); got != "https://example.com/2" {
		t.Errorf("it leads to %s", got)
	}
}

func TestWhatIsHeldEnds(t *testing.T) {
	clock := newTestClock()
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Clock: clock.now, HeldFor: time.Minute})
	l := r.claim(t)
	r.leads(t, l.Code)
	testenv.Eventually(t, 10*time.Second, "the shared cache is filled", func() bool {
		_, found, err := r.cache.Get(t.Context(), l.Code)
		return err == nil && found
	})
	clock.add(50 * time.Second)
	r.leads(t, l.Code)
	if f := r.Figures(); f.SharedHits != 0 {
		t.Fatalf("it was read again before its time: %+v", f)
	}
	clock.add(10 * time.Second)
	r.leads(t, l.Code)
	if f := r.Figures(); f.SharedHits != 1 {
		t.Errorf("it was not read again after its time: %+v", f)
	}
}

func TestWhatIsHeldIsBounded(t *testing.T) {
	const memory = 1 << 20
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Memory: memory})
	for i := range 20_000 {
		r.Apply(shortener.Entry{Link: shortener.Link{Code: shortener.Code(fmt.Sprintf("many-%d", i)), Target: "https://example.com/", Version: 1}})
	}
	testenv.Eventually(t, 5*time.Second, "the cache is within its bound", func() bool { return r.Figures().Held <= memory/300 })
	if held := r.Figures().Held; held < memory/300/4 {
		t.Errorf("only %d entries are held", held)
	}
}

func TestReadingsAreBounded(t *testing.T) {
	r := startResolving(t, newPlace(t), shortener.ResolverConfig{Readings: 2})
	l := r.claim(t)
	letGo := r.store.holding()
	defer letGo()
	answers := make(chan error, 2)
	for i := range 2 {
		go func() { _, err := r.Resolve(t.Context(), l.Code+shortener.Code(fmt.Sprint(i))); answers <- err }()
	}
	testenv.Eventually(t, 10*time.Second, "two are read", func() bool { return r.store.reads.Load() == 2 })
	if _, err := r.Resolve(t.Context(), l.Code); !errors.Is(err, shortener.ErrBusy) {
		t.Errorf("a third: %v", err)
	}
	letGo()
	for range 2 {
		if err := <-answers; !errors.Is(err, shortener.ErrNotFound) {
			t.Error(err)
		}
	}
	if got := r.leads(t, l.Code); got != l.Target {
		t.Errorf("afterwards: %s", got)
	}
}

func TestCloseEndsReadings(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("", func(t *testing.T) {
		r := startResolving(t, newPlace(t), shortener.ResolverConfig{})
		l := r.claim(t)
		defer r.store.holding()()
		answer := make(chan error, 1)
		go func() { _, err := r.Resolve(t.Context(), l.Code); answer <- err }()
		testenv.Eventually(t, 10*time.Second, "it is read", func() bool { return r.store.reads.Load() == 1 })
		r.Close()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("who waited got %v", err)
		}
		if _, err := r.Resolve(t.Context(), l.Code); !errors.Is(err, shortener.ErrBusy) {
			t.Errorf("after Close: %v", err)
		}
	})
	goleak.VerifyNone(t, before)
}

// A testClock is moved by its test. It begins at the present.
type testClock struct{ ahead atomic.Int64 }

func newTestClock() *testClock { return &testClock{} }

func (c *testClock) now() time.Time      { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *testClock) add(d time.Duration) { c.ahead.Add(int64(d)) }

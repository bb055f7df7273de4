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
	"designkits/cases/shortener/codes"
	"designkits/shared/fault/link"
	"designkits/shared/testenv"
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
	keyspace.once.Do(func() { keyspace.name = testenv.SharedNamespace(t) })
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

// steady are changes that count as heard until a test says otherwise: a busy machine
// has pauses after which they don't, and then everything is read again, as it should.
type steady struct {
	shortener.Changes
	unsteady atomic.Bool
}

func (s *steady) Live() bool { return !s.unsteady.Load() || s.Changes.Live() }

// A resolving is a resolver on real stores.
type resolving struct {
	*shortener.Resolver
	store   *watchedStore
	cache   shortener.SharedCache // the breaker is between
	changes *steady
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
	numbers, err := codes.NewPermutation([]byte("a key of the tests, of 32 bytes."))
	if err != nil {
		t.Fatal(err)
	}
	r.store = &watchedStore{LinkStore: openStore(t, r.db.Addr()).Links(numbers)}
	r.cache = shortener.GuardCache(client.Cache(), shortener.NewBreaker(shortener.BreakerConfig{Deadline: 20 * time.Second}))
	r.changes = &steady{Changes: client.Changes(slog.New(slog.DiscardHandler))}
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
	testenv.Eventually(t, 20*time.Second, "changes are heard", r.changes.Changes.Live)
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

// A testClock is moved by its test. It begins at the present.
type testClock struct {
	began time.Time
	ahead atomic.Int64
}

func newTestClock() *testClock { return &testClock{began: time.Now()} }

func (c *testClock) now() time.Time { return c.began.Add(c.elapsed()) }
func (c *testClock) elapsed() time.Duration {
	return time.Since(c.began) + time.Duration(c.ahead.Load())
}
func (c *testClock) add(d time.Duration) { c.ahead.Add(int64(d)) }

package shortener

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// ResolverConfig bounds what a Resolver keeps and for how long. The zero value
// of a field means its default.
type ResolverConfig struct {
	Memory int64 // bytes held in process, about; default 64 MiB

	// How long an entry is kept, in process and in the shared cache. Changes
	// correct it long before; this bounds what a lost correction can do.
	HeldFor   time.Duration // default 5 min
	SharedFor time.Duration // default 15 min
	// The same for codes that are unknown. Short, for they are what a guesser
	// fills a cache with.
	MissingHeldFor   time.Duration // default 5 s
	MissingSharedFor time.Duration // default 30 s

	// Readings is how many codes may be read at once; one more is ErrBusy.
	// Default 1024.
	Readings int
	// ReadWithin bounds each. Default 2 s.
	ReadWithin time.Duration
	// Fills is how many entries may wait to be put into the shared cache; one more
	// is left out. Default 1024.
	Fills int

	Clock func() time.Time // what links expire by; default time.Now
	// Elapsed is what held entries age by: it never goes back, as a clock does that
	// is put right. Default since the Resolver was made.
	Elapsed func() time.Duration
}

// A Resolver finds what a code stands for: in process, else in the shared
// cache, else in the store. It may be used by many goroutines at once.
//
// However many ask for one code at once, one of them reads it and all get the
// answer. What is held in process is corrected by Apply, also when a read of
// the older version is under way meanwhile. It goes on without the shared
// cache, and with what it holds when the store is away as well.
type Resolver struct {
	cfg     ResolverConfig
	store   linkReader
	shared  SharedCache
	changes Changes
	held    *otter.Cache[Code, *held]

	// distrust is when (Elapsed) all that was learned until then ceased to count.
	distrust atomic.Int64

	mu       sync.Mutex // guards readings and every write to held
	readings map[Code]*reading

	stop    context.CancelFunc
	running context.Context // that of all readings
	work    sync.WaitGroup  // the readings, and those who fill
	fills   chan Entry      // read from the store: for the shared cache

	hits, sharedHits, storeReads, coalesced, stale, storeErrors, sharedErrors, unfilled atomic.Int64
}

// linkReader is the part of LinkStore that resolving needs.
type linkReader interface {
	Get(ctx context.Context, code Code) (Link, error)
}

// A reading is one read under way, and all who wait for it.
type reading struct {
	done   chan struct{}
	latest *Entry // announced since it began; guarded by Resolver.mu
	answer *held  // set before done is closed
	err    error
}

// NewResolver returns a resolver with nothing in it. Follow keeps it correct.
func NewResolver(store linkReader, shared SharedCache, changes Changes, cfg ResolverConfig) *Resolver {
	orDefault(&cfg.Memory, 64<<20)
	orDefault(&cfg.HeldFor, 5*time.Minute)
	orDefault(&cfg.SharedFor, 15*time.Minute)
	orDefault(&cfg.MissingHeldFor, 5*time.Second)
	orDefault(&cfg.MissingSharedFor, 30*time.Second)
	orDefault(&cfg.Readings, 1024)
	orDefault(&cfg.ReadWithin, 2*time.Second)
	orDefault(&cfg.Fills, 1024)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Elapsed == nil {
		began := time.Now()
		cfg.Elapsed = func() time.Duration { return time.Since(began) }
	}
	running, stop := context.WithCancel(context.Background())
	r := &Resolver{
		cfg: cfg, store: store, shared: shared, changes: changes,
		readings: map[Code]*reading{},
		running:  running, stop: stop, fills: make(chan Entry, cfg.Fills),
		held: otter.Must(&otter.Options[Code, *held]{
			MaximumWeight: uint64(cfg.Memory),
			Weigher:       func(_ Code, h *held) uint32 { return h.weight() },
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[Code, *held]) time.Duration {
				return e.Value.ttl
			}),
			Clock: cacheClock(cfg.Elapsed),
		}),
	}
	r.distrust.Store(-1)
	for range fillers {
		r.work.Go(r.fillAll)
	}
	return r
}

// fillers is how many entries are put into the shared cache at a time. They go
// there in few round trips (see the adapter), so more of them are more together.
const fillers = 16

// Close ends the reads under way and waits for them.
func (r *Resolver) Close() {
	r.mu.Lock() // no reading begins from here on
	r.stop()
	r.mu.Unlock()
	r.work.Wait()
}

// Follow applies the changes of all replicas until the context ends.
func (r *Resolver) Follow(ctx context.Context) error {
	return r.changes.Follow(ctx, r.Apply, r.Distrust)
}

// Resolve returns the link, ErrNotFound, or the link with ErrExpired. Expiry is
// exact to the clock, however long the link has been held. Any other error
// means that it could not be found out, and may be retried.
func (r *Resolver) Resolve(ctx context.Context, code Code) (Link, error) {
	now := r.cfg.Clock()
	if h, ok := r.held.GetIfPresent(code); ok && r.trusted(h) {
		r.hits.Add(1)
		return h.at(now)
	}
	h, err := r.load(ctx, code)
	if err != nil {
		return Link{}, fmt.Errorf("resolve %q: %w", code, err)
	}
	return h.at(now)
}

// trusted reports whether h can be used without reading it again.
func (r *Resolver) trusted(h *held) bool {
	return int64(h.checked) > r.distrust.Load() &&
		(r.changes.Live() || r.cfg.Elapsed()-h.checked <= StaleLimit)
}

// load joins the read of the code that is under way, or begins one.
func (r *Resolver) load(ctx context.Context, code Code) (*held, error) {
	r.mu.Lock()
	f, underWay := r.readings[code]
	if underWay {
		r.coalesced.Add(1)
	} else {
		// One may have ended since the caller looked.
		began := r.cfg.Elapsed()
		before, found := r.held.GetIfPresent(code)
		if found && r.trusted(before) {
			r.mu.Unlock()
			r.hits.Add(1)
			return before, nil
		}
		if len(r.readings) >= r.cfg.Readings || r.running.Err() != nil {
			r.mu.Unlock()
			return nil, ErrBusy
		}
		f = &reading{done: make(chan struct{})}
		r.readings[code] = f
		r.work.Add(1)
		r.mu.Unlock()
		// The first to ask reads, and sees it through for those who come later,
		// also when its own client goes away.
		defer r.work.Done()
		r.readFor(f, code, before, began)
		return f.answer, f.err
	}
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.answer, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readFor reads the code, hands out the answer, and has the shared cache filled.
// before is what was held of it and not trusted, or nil.
func (r *Resolver) readFor(f *reading, code Code, before *held, began time.Duration) {
	ctx, cancel := context.WithTimeout(r.running, r.cfg.ReadWithin)
	defer cancel()
	e, fromStore, err := r.read(ctx, code, before)

	r.mu.Lock()
	delete(r.readings, code)
	switch latest := f.latest; {
	case latest != nil && (err != nil || latest.Link.Version > e.Link.Version):
		// A change overtook the read: what was read is old already.
		e, fromStore, err = *latest, false, nil
		fallthrough
	case err == nil:
		f.answer = r.keep(e, began)
	case before != nil:
		r.stale.Add(1)
		f.answer = before
	default:
		f.err = err
	}
	r.mu.Unlock()
	close(f.done)

	if fromStore {
		r.fillSoon(e)
	}
}

// fillSoon has an entry put into the shared cache; nobody waits for it.
func (r *Resolver) fillSoon(e Entry) {
	select {
	case r.fills <- e:
	default:
		r.unfilled.Add(1) // whoever reads it next fills
	}
}

// fillAll puts entries into the shared cache until the resolver is closed.
func (r *Resolver) fillAll() {
	for {
		select {
		case e := <-r.fills:
			r.fill(e)
		case <-r.running.Done():
			return
		}
	}
}

func (r *Resolver) fill(e Entry) {
	ctx, cancel := context.WithTimeout(r.running, r.cfg.ReadWithin)
	defer cancel()
	if err := r.shared.Fill(ctx, e, r.sharedTTL(e)); err != nil {
		r.sharedErrors.Add(1)
	}
}

// read asks the shared cache and then the store.
func (r *Resolver) read(ctx context.Context, code Code, before *held) (e Entry, fromStore bool, err error) {
	e, found, err := r.shared.Get(ctx, code)
	switch {
	case err != nil:
		r.sharedErrors.Add(1)
	case found && (before == nil || e.Link.Version >= before.Link.Version):
		r.sharedHits.Add(1)
		return e, false, nil
	}
	// Not there, or older than what we have: only the store can tell.
	r.storeReads.Add(1)
	link, err := r.store.Get(ctx, code)
	switch {
	case errors.Is(err, ErrNotFound):
		return Entry{Link: Link{Code: code}, Missing: true}, true, nil
	case err != nil:
		r.storeErrors.Add(1)
		return Entry{}, false, err
	}
	return Entry{Link: link}, true, nil
}

// Apply takes in an entry that holds from now on. One of a higher version that
// is held already stays.
func (r *Resolver) Apply(e Entry) {
	now := r.cfg.Elapsed()
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.readings[e.Link.Code]; ok && (f.latest == nil || f.latest.Link.Version <= e.Link.Version) {
		f.latest = &e
	}
	if h, ok := r.held.GetIfPresent(e.Link.Code); ok && h.Link.Version > e.Link.Version {
		return
	}
	r.keep(e, now)
}

// Reread has the code read again before what is held of it is used.
func (r *Resolver) Reread(code Code) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h, ok := r.held.GetIfPresent(code); ok {
		r.held.Set(code, &held{Entry: h.Entry, ttl: h.ttl})
	}
}

// Distrust makes everything that is held be read again before it is used.
func (r *Resolver) Distrust() { r.distrust.Store(int64(r.cfg.Elapsed())) }

// keep holds an entry in process. The caller holds mu.
func (r *Resolver) keep(e Entry, checked time.Duration) *held {
	ttl := r.cfg.HeldFor
	if e.Missing {
		ttl = r.cfg.MissingHeldFor
	}
	h := &held{Entry: e, checked: checked, ttl: jitter(ttl)}
	r.held.Set(e.Link.Code, h)
	return h
}

func (r *Resolver) sharedTTL(e Entry) time.Duration {
	if e.Missing {
		return jitter(r.cfg.MissingSharedFor)
	}
	return jitter(r.cfg.SharedFor)
}

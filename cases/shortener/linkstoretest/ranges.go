package linkstoretest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener/codes"
	"designkits/shared/testenv"
)

// OpenRanges returns a store for the test's own counter: the same one each time
// that it is called by one test, a new one for another test.
type OpenRanges func(t *testing.T) codes.RangeStore

// RunRanges runs the contract of codes.RangeStore, and that of
// codes.Generator on top of it.
func RunRanges(t *testing.T, open OpenRanges) {
	t.Run("no number is leased twice", func(t *testing.T) { leaseRace(t, open) })
	t.Run("the counter belongs to one key", func(t *testing.T) { otherKey(t, open) })
	t.Run("codes are distinct over replicas and restarts", func(t *testing.T) { distinctCodes(t, open) })
	t.Run("the next range is leased ahead", func(t *testing.T) { ahead(t, open) })
	t.Run("codes come again after the store was away", func(t *testing.T) { storeAway(t, open) })
	t.Run("waiting for a range ends with the context", func(t *testing.T) { waitEnds(t, open) })
	t.Run("the end of the code space is an error", func(t *testing.T) { exhausted(t, open) })
	t.Run("close ends those who wait", func(t *testing.T) { closed(t, open) })
}

var testKey = []byte("a key for tests, of no worth")

func leaseRace(t *testing.T, open OpenRanges) {
	stores := []codes.RangeStore{open(t), open(t)}
	ctx := testContext(t)
	if err := stores[0].Bind(ctx, "fingerprint"); err != nil {
		t.Fatal(err)
	}
	type leased struct{ first, end uint64 }
	var mu sync.Mutex
	var ranges []leased
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := uint64(1); n <= 10; n++ {
				first, err := stores[i%2].Lease(ctx, n)
				if err != nil {
					t.Errorf("lease: %v", err)
					return
				}
				mu.Lock()
				ranges = append(ranges, leased{first, first + n})
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.SortFunc(ranges, func(a, b leased) int { return int(a.first) - int(b.first) })
	for i := 1; i < len(ranges); i++ {
		if ranges[i].first < ranges[i-1].end {
			t.Errorf("ranges %v and %v overlap", ranges[i-1], ranges[i])
		}
	}
	if len(ranges) != 80 {
		t.Errorf("%d leases succeeded, wanted 80", len(ranges))
	}
}

func otherKey(t *testing.T, open OpenRanges) {
	ctx := testContext(t)
	first := newCodes(t, open(t), 10)
	first.Close()
	gen, err := codes.NewGenerator(ctx, []byte("another key for tests, as worthless"), open(t), 10)
	if !errors.Is(err, codes.ErrOtherKey) || !strings.Contains(err.Error(), "CODE_KEY") {
		t.Errorf("another key on the same counter: got %v, wanted ErrOtherKey", err)
	}
	if gen != nil {
		gen.Close()
	}
	newCodes(t, open(t), 10)
}

func newCodes(t *testing.T, ranges codes.RangeStore, size uint64) *codes.Generator {
	t.Helper()
	gen, err := codes.NewGenerator(testContext(t), testKey, ranges, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gen.Close)
	return gen
}

func distinctCodes(t *testing.T, open OpenRanges) {
	var mu sync.Mutex
	seen := map[string]bool{}
	ctx := testContext(t)
	for range 2 { // lives of the replicas
		var all sync.WaitGroup
		replicas := []*codes.Generator{newCodes(t, open(t), 100), newCodes(t, open(t), 100)}
		for i := range 6 {
			all.Go(func() {
				for range 333 {
					code, err := replicas[i%2].Next(ctx)
					if err != nil {
						t.Errorf("next: %v", err)
						return
					}
					mu.Lock()
					if seen[code] {
						t.Errorf("%q came twice", code)
					}
					seen[code] = true
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for _, gen := range replicas {
			gen.Close()
		}
	}
	if len(seen) != 2*6*333 {
		t.Errorf("%d codes, wanted %d", len(seen), 2*6*333)
	}
}

// A gate is a real store whose leases a test can hold up.
type gate struct {
	codes.RangeStore
	leases atomic.Int64
	down   atomic.Bool
}

var errDown = errors.New("the store is away")

func (g *gate) Lease(ctx context.Context, n uint64) (uint64, error) {
	if g.down.Load() {
		return 0, errDown
	}
	first, err := g.RangeStore.Lease(ctx, n)
	g.leases.Add(1)
	return first, err
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	testenv.Eventually(t, time.Minute, what, holds)
}

func take(t *testing.T, gen *codes.Generator, n int) {
	t.Helper()
	ctx := testContext(t)
	for range n {
		if _, err := gen.Next(ctx); err != nil {
			t.Fatalf("next: %v", err)
		}
	}
}

func ahead(t *testing.T, open OpenRanges) {
	g := &gate{RangeStore: open(t)}
	gen := newCodes(t, g, 100)
	take(t, gen, 50)
	if n := g.leases.Load(); n != 1 {
		t.Errorf("%d leases after half a range, wanted 1", n)
	}
	take(t, gen, 1)
	eventually(t, "the second range is leased before the first is used up", func() bool { return g.leases.Load() == 2 })
	g.down.Store(true)
	take(t, gen, 149) // what is left of both, without the store
}

func storeAway(t *testing.T, open OpenRanges) {
	g := &gate{RangeStore: open(t)}
	gen := newCodes(t, g, 10)
	g.down.Store(true)
	take(t, gen, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := gen.Next(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDown) {
		t.Errorf("got %v, wanted that time ran out because the store is away", err)
	}
	g.down.Store(false)
	take(t, gen, 25)
}

func waitEnds(t *testing.T, open OpenRanges) {
	g := &gate{RangeStore: open(t)}
	gen := newCodes(t, g, 2)
	g.down.Store(true)
	take(t, gen, 2)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := gen.Next(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, wanted context.Canceled", err)
			}
		})
	}
	cancel()
	all.Wait()
}

func exhausted(t *testing.T, open OpenRanges) {
	store := open(t)
	ctx := testContext(t)
	p, err := codes.NewPermutation(testKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Bind(ctx, p.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Lease(ctx, codes.Space-25); err != nil {
		t.Fatal(err)
	}
	gen := newCodes(t, store, 10)
	take(t, gen, 25) // the last range is a short one
	for range 3 {
		if code, err := gen.Next(ctx); !errors.Is(err, codes.ErrExhausted) {
			t.Errorf("got %q, %v, wanted ErrExhausted", code, err)
		}
	}
	if _, err := codes.NewGenerator(ctx, testKey, store, 10); !errors.Is(err, codes.ErrExhausted) {
		t.Errorf("a new process: got %v, wanted ErrExhausted", err)
	}
}

func closed(t *testing.T, open OpenRanges) {
	g := &gate{RangeStore: open(t)}
	gen := newCodes(t, g, 2)
	g.down.Store(true)
	take(t, gen, 2)
	failed := make(chan error, 1)
	go func() {
		_, err := gen.Next(testContext(t))
		failed <- err
	}()
	gen.Close()
	if err := <-failed; err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, wanted that the codes are closed", err)
	}
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime"
	"sort"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/adapters/redis"
	"designkits/cases/shortener/codes"
	harness "designkits/shared/bench"
	"designkits/shared/estimate"
	"designkits/shared/kitenv"
)

// A reader is a Resolver on the real stores, as the api has one.
type reader struct {
	*shortener.Resolver
	db       *cassandra.DB
	links    *cassandra.Links
	client   *redis.Client
	changes  shortener.Changes
	follow   func()
	followed chan struct{}
}

func openReader(ctx context.Context, memory int64) (*reader, error) {
	store, err := kitenv.Addr("cassandra")
	if err != nil {
		return nil, err
	}
	cache, err := kitenv.Addr("redis")
	if err != nil {
		return nil, err
	}
	namespace, err := kitenv.Namespace()
	if err != nil {
		return nil, err
	}
	r := &reader{followed: make(chan struct{}), client: redis.Open(cache, namespace)}
	numbers, err := codes.NewPermutation([]byte("of codes that are made here alone"))
	if err != nil {
		return nil, err
	}
	if r.db, err = cassandra.Open(ctx, cassandra.Config{Hosts: []string{store}, Keyspace: namespace}); err != nil {
		return nil, err
	}
	changes := r.client.Changes(slog.New(slog.DiscardHandler))
	r.links, r.changes = r.db.Links(numbers), changes
	r.Resolver = shortener.NewResolver(r.links, r.client.Cache(), changes, shortener.ResolverConfig{Memory: memory, HeldFor: time.Hour})
	following, stop := context.WithCancel(ctx)
	r.follow = stop
	go func() { defer close(r.followed); _ = r.Follow(following) }() // ended by close
	for wait := time.NewTicker(time.Millisecond); !changes.Live(); <-wait.C {
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), r.close(ctx))
		}
	}
	return r, nil
}

func (r *reader) close(ctx context.Context) error {
	r.follow()
	<-r.followed
	r.Resolver.Close()
	r.db.Close()
	return r.client.Close(context.WithoutCancel(ctx))
}

// numbered is a link with a code made of a number; all weigh the same.
func numbered(n int) shortener.Link {
	return shortener.Link{Code: shortener.Code(fmt.Sprintf("%07d", n)), Target: fmt.Sprintf("https://example.org/%07d", n), Owner: "bench", Version: 1}
}

// perEntry is what the Resolver counts for such a link; see held.weight.
const perEntry = 300 + 2*7 + 27 + 5

var hitRatio = harness.Bench{
	Name:  "hit-ratio",
	About: "hit ratio of the in-process cache for Zipf 0.8, 1.0, 1.2 and three sizes, against the sheet's curve",
	Run: func(ctx context.Context, r *harness.Run) error {
		const keys = 20_000
		asks := 300_000
		if r.Quick {
			asks = 20_000
		}
		for _, s := range []float64{0.8, 1, 1.2} {
			for _, share := range []float64{0.01, 0.05, 0.2} {
				got, err := measureHits(ctx, keys, int(share*keys), asks, s)
				if err != nil {
					return err
				}
				curve := 100 * estimate.TinyLFUHitRatio(share*keys, keys, s)
				r.Report(harness.Result{
					Name: fmt.Sprintf("hit-ratio-zipf-%.1f-cache-%g%%", s, share*100), Value: got, Unit: "%",
					Note: fmt.Sprintf("the sheet says %.1f %%", curve),
				}, harness.Within(curve, 3))
			}
		}
		return nil
	},
}

// measureHits asks a Resolver that holds held of keys links for links by Zipf's
// law, and returns the percentage it has in process once it has warmed up. All
// are in Redis, so that a miss is quick.
func measureHits(ctx context.Context, keys, held, asks int, s float64) (percent float64, err error) {
	r, err := openReader(ctx, int64(held*perEntry))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	for n := range keys {
		if err := r.client.Cache().Fill(ctx, shortener.Entry{Link: numbered(n)}, time.Hour); err != nil {
			return 0, err
		}
	}
	draw := zipf(keys, s)
	var before shortener.ResolverFigures
	for i := range 2 * asks {
		if i == asks {
			before = r.Figures()
		}
		if _, err := r.Resolve(ctx, numbered(draw()).Code); err != nil {
			return 0, err
		}
	}
	return 100 * float64(r.Figures().Hits-before.Hits) / float64(asks), nil
}

// zipf draws numbers below n, the ith in proportion to 1/i^s. math/rand's own
// can't do exponents of 1 and below.
func zipf(n int, s float64) func() int {
	sums := make([]float64, n)
	sum := 0.0
	for i := range n {
		sum += math.Pow(float64(i+1), -s)
		sums[i] = sum
	}
	random := rand.New(rand.NewPCG(1, 2))
	return func() int { return sort.SearchFloat64s(sums, random.Float64()*sum) }
}

var cacheMemory = harness.Bench{
	Name:  "memory",
	About: "bytes of heap for a cached link, its target aside, over a million links",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		links := 1_000_000
		if r.Quick {
			links = 20_000
		}
		reader, err := openReader(ctx, 1<<40)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, reader.close(ctx)) }()
		before := heap()
		for n := range links {
			reader.Apply(shortener.Entry{Link: numbered(n)})
		}
		each := float64(heap()-before) / float64(links)
		target := float64(len(numbered(0).Target))
		if held := reader.Figures().Held; held != int64(links) {
			return fmt.Errorf("%d of %d links are held", held, links)
		}
		r.Report(harness.Result{Name: "memory", Value: each - target, Unit: "B", Note: fmt.Sprintf("%.0f B a link with its target of %.0f B", each, target)}, harness.AtMost(300))
		return nil
	},
}

// heap is how many bytes are reachable.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one's finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

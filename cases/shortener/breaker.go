package shortener

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
)

// ErrCacheAway is the error of a call that the open breaker refused: the shared
// cache has failed too often lately and is left alone for a while.
var ErrCacheAway = errors.New("the shared cache is away")

// BreakerConfig says when calls to Redis are given up. The zero value of a
// field means its default.
type BreakerConfig struct {
	// Deadline bounds each call; one that takes longer has failed. Default 50 ms:
	// a cache that is slower than the store behind it is worth nothing.
	Deadline time.Duration
	// Failures within Window open the breaker. Defaults 5 in 10 s.
	Failures int
	Window   time.Duration
	// OpenFor is how long it stays open before one call is let through to see
	// (half-open). Default 30 s.
	OpenFor time.Duration
	// OnChange is told of every change of state; it must not block.
	OnChange func(from, to string)
}

// A Breaker keeps a Redis that is down or slow from being waited for: by
// redirects, which go on from the store, and by the limiter, which goes on in
// process. One breaker is shared by all that call the same Redis, so that they
// learn from each other's failures.
type Breaker struct {
	deadline time.Duration
	breaker  *gobreaker.CircuitBreaker[struct{}]
}

// NewBreaker returns a closed breaker.
func NewBreaker(cfg BreakerConfig) *Breaker {
	orDefault(&cfg.Deadline, 50*time.Millisecond)
	orDefault(&cfg.Failures, 5)
	orDefault(&cfg.Window, 10*time.Second)
	orDefault(&cfg.OpenFor, 30*time.Second)
	settings := gobreaker.Settings{
		Name:         "redis",
		Interval:     cfg.Window,
		BucketPeriod: cfg.Window / 10, // a window that slides instead of starting anew
		Timeout:      cfg.OpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.TotalFailures >= uint32(cfg.Failures)
		},
		// A caller who went away says nothing about Redis.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
	}
	if cfg.OnChange != nil {
		settings.OnStateChange = func(_ string, from, to gobreaker.State) {
			cfg.OnChange(from.String(), to.String())
		}
	}
	return &Breaker{cfg.Deadline, gobreaker.NewCircuitBreaker[struct{}](settings)}
}

// Do runs call under the deadline, or returns ErrCacheAway at once while the
// breaker is open.
func (b *Breaker) Do(ctx context.Context, call func(context.Context) error) error {
	_, err := b.breaker.Execute(func() (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, b.deadline)
		defer cancel()
		return struct{}{}, call(ctx)
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return ErrCacheAway
	}
	return err
}

// State is "closed", "half-open" or "open".
func (b *Breaker) State() string { return b.breaker.State().String() }

// GuardCache puts a breaker in front of a cache.
func GuardCache(cache SharedCache, b *Breaker) SharedCache { return guardedCache{cache, b} }

type guardedCache struct {
	cache   SharedCache
	breaker *Breaker
}

func (g guardedCache) Get(ctx context.Context, code Code) (e Entry, found bool, err error) {
	err = g.breaker.Do(ctx, func(ctx context.Context) (err error) {
		e, found, err = g.cache.Get(ctx, code)
		return err
	})
	if err != nil {
		return Entry{}, false, fmt.Errorf("shared cache: get %q: %w", code, err)
	}
	return e, found, nil
}

func (g guardedCache) Fill(ctx context.Context, e Entry, ttl time.Duration) error {
	err := g.breaker.Do(ctx, func(ctx context.Context) error { return g.cache.Fill(ctx, e, ttl) })
	if err != nil {
		return fmt.Errorf("shared cache: fill %q: %w", e.Link.Code, err)
	}
	return nil
}

// orDefault sets a field that was left out.
func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

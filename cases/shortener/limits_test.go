package shortener_test

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"

	"pgregory.net/rapid"
)

func TestABucketNeverGivesMoreThanItHoldsAndGains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		burst := rapid.IntRange(1, 50).Draw(t, "burst")
		refill := rapid.Float64Range(0.1, 100).Draw(t, "refill")
		now := time.Unix(1e9, 0)
		began := now
		limiter := shortener.NewLocalLimiter(10, func() time.Time { return now })
		taken := 0
		for range rapid.IntRange(1, 100).Draw(t, "takes") {
			now = now.Add(time.Duration(rapid.IntRange(-10, 2000).Draw(t, "ms")) * time.Millisecond)
			cost := rapid.IntRange(0, 5).Draw(t, "cost")
			v, err := limiter.Take(context.Background(), shortener.Bucket{Key: "k", Burst: burst, Refill: refill, Cost: cost})
			if err != nil {
				t.Fatal(err)
			}
			if v.Allowed {
				taken += cost
			} else if v.RetryAfter <= 0 {
				t.Fatalf("refused, and to be tried again in %s", v.RetryAfter)
			}
			if v.Remaining < 0 || v.Remaining > burst {
				t.Fatalf("%d of %d left", v.Remaining, burst)
			}
			// The clock goes back by 10 ms at most, at each of 100 steps.
			most := float64(burst) + refill*(now.Sub(began).Seconds()+1) + 1e-6
			if float64(taken) > most {
				t.Fatalf("%d taken, at most %f", taken, most)
			}
		}
	})
}

func TestWhoWaitsAsLongAsToldIsLetIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1e9, 0)
		limiter := shortener.NewLocalLimiter(10, func() time.Time { return now })
		bucket := shortener.Bucket{
			Key: "k", Burst: rapid.IntRange(5, 50).Draw(t, "burst"), Refill: rapid.Float64Range(0.01, 1000).Draw(t, "refill"),
			Cost: rapid.IntRange(1, 5).Draw(t, "cost"),
		}
		for {
			v, _ := limiter.Take(context.Background(), bucket)
			if v.Allowed {
				continue
			}
			now = now.Add(v.RetryAfter + time.Microsecond)
			if v, _ := limiter.Take(context.Background(), bucket); !v.Allowed {
				t.Fatalf("not even then: %+v", v)
			}
			return
		}
	})
}

func TestAllBucketsAreChargedOrNone(t *testing.T) {
	limiter := shortener.NewLocalLimiter(10, time.Now)
	rate := shortener.Bucket{Key: "rate", Burst: 10, Refill: 0.001, Cost: 1}
	for i, want := range []bool{true, true, false} {
		day := shortener.PerDay("day", "of a day", 2, 1)
		v, err := limiter.Take(t.Context(), rate, day)
		if err != nil || v.Allowed != want {
			t.Fatalf("%d: %+v, %v", i, v, err)
		}
		if !want && (v.Limit != 2 || v.Counts != "of a day" || v.RetryAfter < 11*time.Hour) {
			t.Errorf("the day's bucket refused, but it says %+v", v)
		}
	}
	rate.Cost = 0
	if v, _ := limiter.Take(t.Context(), rate); v.Remaining != 8 {
		t.Errorf("a refused call was charged: %+v", v)
	}
}

// brokenLimiter is a Redis that is away.
type brokenLimiter struct{ asked atomic.Int64 }

func (b *brokenLimiter) Take(context.Context, ...shortener.Bucket) (shortener.Verdict, error) {
	b.asked.Add(1)
	return shortener.Verdict{}, errRedis
}

func TestWithoutRedisLimitsHoldInProcess(t *testing.T) {
	away := &brokenLimiter{}
	limiter := shortener.NewFallbackLimiter(away, shortener.NewLocalLimiter(10, time.Now), shortener.NewBreaker(shortener.BreakerConfig{}))
	allowed := 0
	for range 100 {
		v, err := limiter.Take(t.Context(), shortener.Bucket{Key: "k", Burst: 10, Refill: 0.001, Cost: 1})
		if err != nil {
			t.Fatal(err)
		}
		if v.Allowed {
			allowed++
		}
	}
	if allowed != 10 || limiter.Local() != 100 {
		t.Errorf("%d of 100 allowed, %d judged in process", allowed, limiter.Local())
	}
	if asked := away.asked.Load(); asked != 5 {
		t.Errorf("Redis was asked %d times, but the breaker opens after 5", asked)
	}
}

func TestTheGateUnderConcurrency(t *testing.T) {
	clock := newTestClock()
	stopped := clock.now()
	gate := shortener.NewGate(10, 100, 1000, func() time.Time { return stopped })
	address := netip.MustParseAddr("203.0.113.1")
	var in atomic.Int64
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			for range 10 {
				if gate.Enter(address) == nil {
					in.Add(1)
				}
			}
		})
	}
	callers.Wait()
	if n := in.Load(); n != 100 {
		t.Errorf("%d of 500 got in, not 100", n)
	}
}

func TestGuessesRunIntoADebtThatIsPaidOff(t *testing.T) {
	now := time.Unix(1e9, 0)
	gate := shortener.NewGate(10, 100, 1000, func() time.Time { return now })
	address := netip.MustParseAddr("203.0.113.1")
	for range 1000 {
		gate.Penalise(address)
	}
	var tooMany *shortener.TooMany
	if err := gate.Enter(address); !errors.As(err, &tooMany) {
		t.Fatalf("after 1000 guesses: %v", err)
	}
	// One burst of debt at 10 a second, and the token to get in.
	if want := 10100 * time.Millisecond; math.Abs(float64(tooMany.RetryAfter-want)) > float64(time.Millisecond) {
		t.Errorf("retry after %s, want %s", tooMany.RetryAfter, want)
	}
	if want := "over the limit of 100 redirects of an address at once, try again in 11s"; tooMany.Error() != want {
		t.Errorf("it says %q, want %q", tooMany, want)
	}
	now = now.Add(tooMany.RetryAfter)
	if err := gate.Enter(address); err != nil {
		t.Errorf("the debt is paid: %v", err)
	}
	if err := gate.Enter(netip.MustParseAddr("203.0.113.2")); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}

func TestAGateWithoutALimitLetsEverythingIn(t *testing.T) {
	gate := shortener.NewGate(0, 0, 10, time.Now)
	address := netip.MustParseAddr("203.0.113.1")
	for range 100 {
		gate.Penalise(address)
		if err := gate.Enter(address); err != nil {
			t.Fatal(err)
		}
	}
}

package redis_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/testenv"
)

func TestConcurrentCallersNeverGetMoreThanTheBucketHolds(t *testing.T) {
	addr, namespace := testenv.Addr(t, "redis"), testenv.Namespace(t)
	const burst, refill = 50, 100.0
	began := time.Now()
	var allowed atomic.Int64
	var callers sync.WaitGroup
	for range 4 { // replicas
		limiter := open(t, addr, namespace).Limiter()
		for range 16 {
			callers.Go(func() {
				for range 40 {
					v, err := limiter.Take(t.Context(), shortener.Bucket{Key: "k", Burst: burst, Refill: refill, Cost: 1})
					if err != nil {
						t.Error(err)
						return
					}
					if v.Allowed {
						allowed.Add(1)
					}
				}
			})
		}
	}
	callers.Wait()
	most := burst + int64(refill*time.Since(began).Seconds()) + 1
	if n := allowed.Load(); n < burst || n > most {
		t.Errorf("%d were allowed, not %d to %d", n, burst, most)
	}
}

func TestVerdicts(t *testing.T) {
	limiter := fresh(t).Limiter()
	bucket := shortener.Bucket{Key: "k", Burst: 3, Refill: 0.01, Cost: 1}
	for left := 2; left >= 0; left-- {
		v, err := limiter.Take(t.Context(), bucket)
		if err != nil || !v.Allowed || v.Limit != 3 || v.Remaining != left || v.RetryAfter != 0 {
			t.Fatalf("%+v, %v; want %d left", v, err, left)
		}
	}
	v, err := limiter.Take(t.Context(), bucket)
	if err != nil || v.Allowed || v.Remaining != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	if v.RetryAfter <= 50*time.Second || v.RetryAfter > 100*time.Second || v.Reset <= 250*time.Second || v.Reset > 300*time.Second {
		t.Errorf("a token takes 100 s and all three 300 s, but retry after %s, reset in %s", v.RetryAfter, v.Reset)
	}
}

func TestAllBucketsAreChargedOrNone(t *testing.T) {
	limiter := fresh(t).Limiter()
	rate := shortener.Bucket{Key: "rate", Burst: 10, Refill: 0.001, Cost: 1}
	day := shortener.PerDay("day", "of a day", 2, 1)
	for range 2 {
		if v, err := limiter.Take(t.Context(), rate, day); err != nil || !v.Allowed {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	v, err := limiter.Take(t.Context(), rate, day)
	if err != nil || v.Allowed || v.Limit != 2 || v.RetryAfter < 11*time.Hour {
		t.Fatalf("%+v, %v; want the day's bucket to refuse", v, err)
	}
	rate.Cost = 0
	if v, err := limiter.Take(t.Context(), rate); err != nil || v.Remaining != 8 {
		t.Errorf("%+v, %v; a refused call was charged", v, err)
	}
}

func TestBucketsRefillAndAreForgotten(t *testing.T) {
	addr, namespace := testenv.Addr(t, "redis"), testenv.Namespace(t)
	limiter := open(t, addr, namespace).Limiter()
	bucket := shortener.Bucket{Key: "k", Burst: 5, Refill: 50, Cost: 5}
	if v, err := limiter.Take(t.Context(), bucket); err != nil || !v.Allowed {
		t.Fatalf("%+v, %v", v, err)
	}
	testenv.Eventually(t, 20*time.Second, "the bucket is full again", func() bool {
		v, err := limiter.Take(t.Context(), bucket)
		return err == nil && v.Allowed
	})
	client := plain(t)
	testenv.Eventually(t, 20*time.Second, "a bucket is kept for a moment", func() bool {
		if _, err := limiter.Take(t.Context(), bucket); err != nil {
			t.Fatal(err)
		}
		ttl, err := client.PTTL(t.Context(), namespace+":limit:k").Result()
		if err != nil || ttl > 2*time.Second {
			t.Fatalf("a bucket that fills up in 100 ms is kept for %s, %v", ttl, err)
		}
		return ttl > 0
	})
}

func TestLimitsBeginAnewWhenRedisHasLostThem(t *testing.T) {
	addr, namespace := testenv.Addr(t, "redis"), testenv.Namespace(t)
	limiter := open(t, addr, namespace).Limiter()
	bucket := shortener.Bucket{Key: "k", Burst: 1, Refill: 0.001, Cost: 1}
	for _, want := range []bool{true, false} {
		if v, err := limiter.Take(t.Context(), bucket); err != nil || v.Allowed != want {
			t.Fatalf("%+v, %v; want %v", v, err, want)
		}
	}
	lose(t, namespace)
	if v, err := limiter.Take(t.Context(), bucket); err != nil || !v.Allowed {
		t.Errorf("%+v, %v", v, err)
	}
}

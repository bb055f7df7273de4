package redis_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/shared/leaktest"
	"designkits/shared/redis"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func open(t *testing.T) *redis.Client {
	t.Helper()
	c := redis.Open(testenv.Addr(t, "redis"))
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestTriesAreCountedByAllTogetherAndEndByThemselves(t *testing.T) {
	c, namespace := open(t), testenv.Namespace(t)
	var all sync.WaitGroup
	var highest atomic.Int64
	for range 4 {
		all.Go(func() {
			for range 25 {
				n, err := c.Count(t.Context(), namespace, time.Hour, "a", "b")
				if err != nil || len(n) != 2 {
					t.Error(n, err)
					return
				}
				for was := highest.Load(); int64(n[0]) > was && !highest.CompareAndSwap(was, int64(n[0])); was = highest.Load() {
				}
			}
		})
	}
	all.Wait()
	if n := highest.Load(); n != 100 {
		t.Errorf("counted to %d, want 100", n)
	}
	if n, err := c.Count(t.Context(), namespace, time.Hour, "c", "b"); err != nil || !slices.Equal(n, []int{1, 101}) {
		t.Errorf("%v, %v", n, err)
	}
	tables, err := c.Keys(t.Context(), namespace+":{tries}:*").Result()
	if err != nil || len(tables) < 1 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		if left, err := c.PTTL(t.Context(), table).Result(); err != nil || left <= 0 || left > 2*time.Hour {
			t.Errorf("%s ends in %s, %v", table, left, err)
		}
	}
}

func TestTheWindowBeforeCountsForWhatStillLiesInThisOne(t *testing.T) {
	c, namespace := open(t), testenv.Namespace(t)
	window := 24 * time.Hour
	now := time.Now()
	number := now.UnixMilli() / window.Milliseconds()
	for _, ago := range []int64{1, 2} {
		key := fmt.Sprintf("old-%d", ago)
		sum := sha256.Sum256([]byte(key))
		table := fmt.Sprintf("%s:{tries}:%s:%d", namespace, window, number-ago)
		if err := c.HSet(t.Context(), table, string(sum[:8]), 1000).Err(); err != nil {
			t.Fatal(err)
		}
		n, err := c.Count(t.Context(), namespace, window, key)
		if err != nil {
			t.Fatal(err)
		}
		part := 1 - float64(now.UnixMilli()%window.Milliseconds())/float64(window.Milliseconds())
		want := 1
		if ago == 1 {
			want = 1 + int(math.Ceil(1000*part))
		}
		if n[0] < want-1 || n[0] > want {
			t.Errorf("%d windows ago: %d, want %d", ago, n[0], want)
		}
	}
}

func TestEachTryOfAKeyGetsItsOwnNumber(t *testing.T) {
	c, namespace := open(t), testenv.Namespace(t)
	const callers, calls, names = 32, 20, 50
	var mu sync.Mutex
	numbers := map[string][]int{} // that a name was given
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range calls {
				keys := make([]string, 1+rand.IntN(5)) // some twice
				for i := range keys {
					keys[i] = fmt.Sprint("name-", rand.IntN(names))
				}
				counts, err := c.Count(t.Context(), namespace, 1000*time.Hour, keys...)
				if err != nil || len(counts) != len(keys) {
					t.Error(counts, err)
					return
				}
				mu.Lock()
				for i, key := range keys {
					numbers[key] = append(numbers[key], counts[i])
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for key, given := range numbers {
		slices.Sort(given)
		for i, n := range given {
			if n != i+1 {
				t.Fatalf("%s was given the numbers %v", key, given)
			}
		}
	}
}

func TestSomethingIsSpentOnce(t *testing.T) {
	c, namespace := open(t), testenv.Namespace(t)
	var all sync.WaitGroup
	var firsts atomic.Int64
	for range 16 {
		all.Go(func() {
			first, err := c.Spend(t.Context(), namespace, "id", time.Minute)
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts.Add(1)
			}
		})
	}
	all.Wait()
	if n := firsts.Load(); n != 1 {
		t.Errorf("%d were first", n)
	}
}

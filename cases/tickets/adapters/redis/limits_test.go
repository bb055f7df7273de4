package redis_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/shared/testenv"

	goredis "github.com/redis/go-redis/v9"
)

func TestTriesAreCountedByAllGatesTogether(t *testing.T) {
	var gates sync.WaitGroup
	var highest atomic.Int64
	one, namespace := open(t, testenv.Addr(t, "redis"))
	for range 4 {
		gates.Go(func() {
			for range 25 {
				n, err := one.Limits().Count(t.Context(), time.Hour, "a", "b")
				if err != nil || len(n) != 2 {
					t.Error(n, err)
					return
				}
				for was := highest.Load(); int64(n[0]) > was && !highest.CompareAndSwap(was, int64(n[0])); was = highest.Load() {
				}
			}
		})
	}
	gates.Wait()
	if n := highest.Load(); n != 100 {
		t.Errorf("counted to %d, want 100", n)
	}
	if n, err := one.Limits().Count(t.Context(), time.Hour, "c", "b"); err != nil || !slices.Equal(n, []int{1, 101}) {
		t.Errorf("%v, %v", n, err)
	}

	// What is counted ends by itself.
	plain := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer plain.Close()
	tables, err := plain.Keys(t.Context(), namespace+":{tries}:*").Result()
	if err != nil || len(tables) < 2 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		if left, err := plain.PTTL(t.Context(), table).Result(); err != nil || left <= 0 || left > 2*time.Hour {
			t.Errorf("%s ends in %s, %v", table, left, err)
		}
	}

	// The window before counts for what still lies in this one.
	window := 24 * time.Hour
	now := time.Now()
	number := now.UnixMilli() / window.Milliseconds()
	for _, ago := range []int64{1, 2} {
		key := fmt.Sprintf("old-%d", ago)
		sum := sha256.Sum256([]byte(key))
		table := fmt.Sprintf("%s:{tries}:%d:%d", namespace, number-ago, sum[0])
		if err := plain.HSet(t.Context(), table, string(sum[1:9]), 1000).Err(); err != nil {
			t.Fatal(err)
		}
		n, err := one.Limits().Count(t.Context(), window, key)
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

func TestAProofIsSpentOnce(t *testing.T) {
	client, _ := open(t, testenv.Addr(t, "redis"))
	var gates sync.WaitGroup
	var firsts atomic.Int64
	for range 16 {
		gates.Go(func() {
			first, err := client.Limits().Spend(t.Context(), "id", time.Minute)
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts.Add(1)
			}
		})
	}
	gates.Wait()
	if n := firsts.Load(); n != 1 {
		t.Errorf("%d were first", n)
	}
}

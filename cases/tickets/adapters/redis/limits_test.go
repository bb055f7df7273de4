package redis_test

import (
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

	// The window before counts for what still lies in this one.
	plain := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
	defer plain.Close()
	window := 24 * time.Hour
	now := time.Now()
	number := now.UnixMilli() / window.Milliseconds()
	for _, ago := range []int64{1, 2} {
		key := fmt.Sprintf("old-%d", ago)
		if err := plain.Set(t.Context(), fmt.Sprintf("%s:{tries}:%s:%d", namespace, key, number-ago), 1000, 0).Err(); err != nil {
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

package redis

import (
	"testing"
	"time"

	"designkits/cases/shortener"
)

// A clock that tests set.
type clock struct{ now time.Time }

func (c *clock) after(d time.Duration) { c.now = c.now.Add(d) }

func watched() (*advances, *clock) {
	c := &clock{time.Unix(1_000_000, 0)}
	return newAdvances(func() time.Time { return c.now }), c
}

// charged is what the script answers when there were so many tokens left.
func charged(left float64) taken { return taken{allowed: true, tokens: []float64{left}} }

func TestOnlyABusyKeyPaysAhead(t *testing.T) {
	a, clock := watched()
	buckets := []shortener.Bucket{{Key: "k", Burst: 10_000, Refill: 1, Cost: 1}}
	for i, want := range []int{0, 1, 3, 7, 15, 15} {
		if n := a.next(buckets); n != want {
			t.Fatalf("charge %d pays %d ahead, not %d", i+1, n, want)
		}
		a.settle(buckets, want, charged(5000))
		clock.after(busyWithin)
	}
	clock.after(1)
	if n := a.next(buckets); n != 0 {
		t.Errorf("one that comes late pays %d ahead", n)
	}
}

func TestWhatIsPaidAheadIsASmallPartOfTheBucket(t *testing.T) {
	for name, c := range map[string]struct {
		buckets []shortener.Bucket
		want    int
	}{
		"of the smallest":  {[]shortener.Bucket{{Key: "a", Burst: 10_000, Cost: 1}, {Key: "b", Burst: 130, Cost: 1}}, 2},
		"by its cost":      {[]shortener.Bucket{{Key: "a", Burst: 640, Cost: 5}}, 2},
		"nothing of a few": {[]shortener.Bucket{{Key: "a", Burst: 63, Cost: 1}}, 0},
		"nothing to look":  {[]shortener.Bucket{{Key: "a", Burst: 10_000, Cost: 0}}, 0},
	} {
		a, _ := watched()
		a.settle(c.buckets, maxAdvance, charged(1))
		if n := a.next(c.buckets); n != c.want {
			t.Errorf("%s: %d, not %d", name, n, c.want)
		}
	}
}

func TestWhatIsPaidIsUsedOnceAndSoon(t *testing.T) {
	a, clock := watched()
	buckets := []shortener.Bucket{{Key: "k", Burst: 10_000, Refill: 1, Cost: 2}}
	if _, ok := a.use(buckets); ok {
		t.Fatal("nothing is paid, and a call is let through")
	}
	a.settle(buckets, 2, charged(100))
	for _, want := range []int{102, 100} {
		if v, ok := a.use(buckets); !ok || !v.Allowed || v.Remaining != want {
			t.Fatalf("%+v, %v; want %d left", v, ok, want)
		}
	}
	if _, ok := a.use(buckets); ok {
		t.Fatal("two calls are paid, and a third is let through")
	}
	a.settle(buckets, 2, charged(100))
	dearer := []shortener.Bucket{{Key: "k", Burst: 10_000, Refill: 1, Cost: 3}}
	if _, ok := a.use(dearer); ok {
		t.Error("a call is let through that costs more than was paid")
	}
	clock.after(advanceFor + 1)
	if _, ok := a.use(buckets); ok {
		t.Error("a call is let through that was paid long ago")
	}
}

func TestOfTwoPaymentsBothAreUsed(t *testing.T) {
	a, clock := watched()
	buckets := []shortener.Bucket{{Key: "k", Burst: 10_000, Refill: 1, Cost: 1}}
	a.settle(buckets, 3, charged(100))
	a.settle(buckets, 3, charged(90))
	used := 0
	for ; ; used++ {
		if _, ok := a.use(buckets); !ok {
			break
		}
	}
	if used != 6 {
		t.Errorf("%d calls were let through, 6 are paid", used)
	}
	a.settle(buckets, 3, charged(80))
	clock.after(advanceFor + 1)
	a.settle(buckets, 1, charged(70))
	if _, ok := a.use(buckets); !ok {
		t.Error("what was paid now isn't there")
	}
	if _, ok := a.use(buckets); ok {
		t.Error("what was paid too long ago is used with what was paid now")
	}
}

func TestWhereThereIsTooLittleNothingIsPaidAhead(t *testing.T) {
	a, _ := watched()
	buckets := []shortener.Bucket{{Key: "k", Burst: 10_000, Refill: 1, Cost: 1}}
	a.settle(buckets, 15, charged(100))
	a.settle(buckets, 15, taken{tokens: []float64{3}})
	if n := a.next(buckets); n != 0 {
		t.Errorf("after a refusal %d are paid ahead", n)
	}
}

package statstoretest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
)

func again(t *testing.T, open Open) {
	code := newCode()
	var increments []clicks.Increment
	for i := range 20 {
		increments = append(increments, people(code, noon.Add(time.Duration(i%3)*time.Minute), clicks.Total, "", 1<<i))
	}
	batch := log(newSource(), increments...)
	stores := []clicks.StatsStore{open(t), open(t)}
	// The same, a part, an overlap, the whole; by one store and by the other.
	for i, part := range [][]clicks.Positioned{batch[:10], batch[:10], batch[3:7], batch[5:15], batch, batch, batch[:1]} {
		apply(t, stores[i%2], part)
	}
	if got := readAll(t, stores[0], code).Total.Clicks; got != 1<<20-1 {
		t.Errorf("sum %020b, wanted each bit once", got)
	}
}

// A consumer may be stopped by its machine for a minute, be replaced, and wake
// up in the middle of a write.
func zombie(t *testing.T, open Open) {
	code := newCode()
	var increments []clicks.Increment
	for range 30 {
		increments = append(increments, people(code, noon, clicks.Total, "", 1))
	}
	batch := log(newSource(), increments...)
	first, second := open(t), open(t)
	apply(t, first, batch[:10])
	apply(t, second, batch[10:30])
	apply(t, first, batch[10:15]) // where the first believes to be
	if got := readAll(t, second, code).Total.Clicks; got != 30 {
		t.Errorf("%d clicks, wanted 30", got)
	}
}

// consumers is what the schedule is about: a log of several sources, and groups
// of consumers that work through it.
type consumers struct {
	sources   [][]clicks.Positioned
	codes     []shortener.Code
	want      map[shortener.Code]clicks.Counts
	committed []atomic.Int64 // by source: all increments before this one are applied
}

func newConsumers(sources, length int) *consumers {
	c := &consumers{want: map[shortener.Code]clicks.Counts{}, committed: make([]atomic.Int64, sources)}
	for range 4 {
		c.codes = append(c.codes, newCode())
	}
	for range sources {
		increments := make([]clicks.Increment, length)
		for i := range increments {
			code := c.codes[rand.IntN(len(c.codes))]
			counts := clicks.Counts{Clicks: rand.Int64N(10), Bots: rand.Int64N(3), Visitors: rand.Int64N(2), Late: rand.Int64N(2)}
			// Few minutes around midnight, so that buckets come again and again.
			minute := noon.Truncate(24 * time.Hour).Add(time.Duration(rand.IntN(6)-3) * time.Minute)
			increments[i] = clicks.Increment{Code: code, Minute: minute, Dimension: clicks.Total, Counts: counts}
			if rand.IntN(3) == 0 {
				increments[i].Dimension, increments[i].Value = clicks.Country, []string{"FR", "DE", "??"}[rand.IntN(3)]
				continue
			}
			sum := c.want[code]
			sum.Add(counts)
			c.want[code] = sum
		}
		c.sources = append(c.sources, log(newSource(), increments...))
	}
	return c
}

// consume works through one source from where the group is, a little before at
// times, and is interrupted at times; what Apply took is committed.
func (c *consumers) consume(ctx context.Context, store clicks.StatsStore, source int) (interrupted int, err error) {
	increments := c.sources[source]
	for {
		committed := c.committed[source].Load()
		if committed == int64(len(increments)) {
			return interrupted, nil
		}
		from := max(0, int(committed)-rand.IntN(20))
		to := min(len(increments), from+1+rand.IntN(60))
		applying, stop := ctx, func() {}
		if rand.IntN(3) == 0 {
			var cancel context.CancelFunc
			applying, cancel = context.WithTimeout(ctx, rand.N(4*time.Millisecond))
			stop = cancel
		}
		err := store.Apply(applying, increments[from:to])
		mid := applying.Err() != nil
		stop()
		switch {
		case ctx.Err() != nil:
			return interrupted, fmt.Errorf("source %d has come to %d of %d: %w", source, committed, len(increments), ctx.Err())
		case err == nil:
			for seen := c.committed[source].Load(); seen < int64(to) && !c.committed[source].CompareAndSwap(seen, int64(to)); {
				seen = c.committed[source].Load()
			}
		case mid:
			interrupted++ // died in the middle, with some rows written and others not
		default:
			return interrupted, err
		}
	}
}

// check returns what is not as it should be.
func (c *consumers) check(t *testing.T, store clicks.StatsStore) (wrong []string) {
	t.Helper()
	for _, code := range c.codes {
		if got := readAll(t, store, code).Total; got != c.want[code] {
			wrong = append(wrong, fmt.Sprintf("%s has %+v, wanted %+v", code, got, c.want[code]))
		}
	}
	return wrong
}

func schedule(t *testing.T, open Open) {
	const sources, length, groups = 3, 400, 2
	c := newConsumers(sources, length)
	ctx := testContext(t)
	var interrupted atomic.Int64
	var all sync.WaitGroup
	for range groups {
		store := open(t)
		for source := range sources {
			all.Go(func() {
				n, err := c.consume(ctx, store, source)
				if err != nil {
					t.Error(err)
				}
				interrupted.Add(int64(n))
			})
		}
	}
	all.Wait()
	for _, wrong := range c.check(t, open(t)) {
		t.Error(wrong)
	}
	if interrupted.Load() == 0 {
		t.Error("no Apply was interrupted: the test shows less than it says")
	}
	t.Logf("%d increments, %d interruptions", sources*length, interrupted.Load())
}

func control(t *testing.T, open Open) {
	store := open(t)
	c := newConsumers(1, 50)
	one := people(c.codes[0], noon, clicks.Total, "", 1)
	apply(t, store, c.sources[0])
	if wrong := c.check(t, store); len(wrong) != 0 {
		t.Fatalf("before the control: %v", wrong)
	}
	apply(t, store, log(newSource(), one))
	if len(c.check(t, store)) == 0 {
		t.Error("a click too many was not seen")
	}
	c.want[c.codes[0]] = func(sum clicks.Counts) clicks.Counts { sum.Clicks += 2; return sum }(c.want[c.codes[0]])
	if len(c.check(t, store)) == 0 {
		t.Error("a click too few was not seen")
	}
}

package redis

import (
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"designkits/cases/shortener"
)

// advances are what busy keys have paid for calls that are still to come: one trip
// in place of one for each. Only who asks again at once pays ahead, twice as much
// each time, so that whoever asks now and then is charged for nothing else. What
// is paid and not used in time is lost, which is never more than a small part of
// the bucket.
//
// A call is paid before it is made, so no more get through than the buckets give;
// they do so up to advanceFor later.
type advances struct {
	clock func() time.Time

	mu   sync.Mutex
	paid *otter.Cache[string, advance]
}

// An advance is paid by one process for calls that charge the same.
type advance struct {
	buckets []shortener.Bucket
	taken   taken // what was left in them then
	at      time.Time
	calls   int // that were paid ahead
	left    int // of these
}

const (
	// busyWithin is how soon after the last charge the next has to come.
	busyWithin = 5 * time.Millisecond
	advanceFor = 100 * time.Millisecond
	maxAdvance = 15
	// advancePart is the part of a bucket that is paid ahead at most.
	advancePart = 64
	// busyKeys is how many keys are watched.
	busyKeys = 10_000
)

func newAdvances(clock func() time.Time) *advances {
	return &advances{clock: clock, paid: otter.Must(&otter.Options[string, advance]{MaximumSize: busyKeys})}
}

// nameOf is the same for all that charge the same keys.
func nameOf(buckets []shortener.Bucket) (name string) {
	for _, b := range buckets {
		name += b.Key + "\n"
	}
	return name
}

// of returns what was last paid for the same.
func (a *advances) of(buckets []shortener.Bucket) (name string, last advance) {
	name = nameOf(buckets)
	if last, ok := a.paid.GetIfPresent(name); ok && slices.Equal(last.buckets, buckets) {
		return name, last
	}
	return name, advance{}
}

// use takes a call that is paid for, if there is one.
func (a *advances) use(buckets []shortener.Bucket) (shortener.Verdict, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name, last := a.of(buckets)
	if last.left == 0 || a.clock().Sub(last.at) > advanceFor {
		return shortener.Verdict{}, false
	}
	last.left--
	a.paid.Set(name, last)
	return last.taken.verdict(buckets, last.left), true
}

// next is for how many calls to come the next charge should pay.
func (a *advances) next(buckets []shortener.Bucket) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, last := a.of(buckets)
	if last.at.IsZero() || a.clock().Sub(last.at) > busyWithin {
		return 0
	}
	n := min(2*last.calls+1, maxAdvance)
	for _, b := range buckets {
		if b.Cost == 0 {
			return 0 // it only looks
		}
		n = min(n, b.Burst/advancePart/b.Cost)
	}
	return n
}

// settle notes what became of a charge that paid for so many calls to come. What
// is left of the one before stays good.
func (a *advances) settle(buckets []shortener.Bucket, calls int, t taken) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name, last := a.of(buckets)
	if !t.allowed {
		a.paid.Invalidate(name) // there is nothing to be paid ahead
		return
	}
	now, left := a.clock(), calls
	if now.Sub(last.at) <= advanceFor {
		left += last.left
	}
	a.paid.Set(name, advance{buckets: buckets, taken: t, at: now, calls: calls, left: left})
}

// Package load sends open-loop load and measures it without coordinated
// omission: each call is due at a time of its own, and its latency counts from
// then, whether or not the calls before it had come back. A server that stalls
// for a second is charged with every call that was due in that second.
//
// The calls go out on a fixed number of workers. Worker w takes the calls w,
// w+n, w+2n, …, waits until each is due, and makes it. When all workers are
// busy, calls start late and their wait shows in the latency, which is what it
// is for.
package load

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Plan says how much load, and for how long.
type Plan struct {
	Rate    float64       // calls a second
	For     time.Duration // of the whole run
	Workers int           // calls under way at once at most; default 64
	Warmup  time.Duration // sent before, at the same rate, and not counted
	// Watch is told of each second soon after it is over, and again when an answer
	// to one of its calls comes later. One goroutine calls it, and none does once
	// Run has returned. nil is for nobody.
	Watch func(second int, so Second)
}

// A Call makes the nth request on a worker's behalf. n counts from 0 over the
// whole run, worker from 0 to Workers-1, so that each worker can have a
// connection of its own.
type Call func(ctx context.Context, worker, n int) error

// Run sends the plan's load and returns what came of it. It ends early, without
// an error, when the context ends: Result.Elapsed then is shorter than planned.
func Run(ctx context.Context, p Plan, call Call) (*Result, error) {
	if p.Rate <= 0 || p.For <= 0 {
		return nil, fmt.Errorf("load: rate %v for %v: both must be positive", p.Rate, p.For)
	}
	if p.Workers <= 0 {
		p.Workers = 64
	}
	total := int(p.Rate * (p.Warmup + p.For).Seconds())
	skip := int(p.Rate * p.Warmup.Seconds())
	interval := float64(time.Second) / p.Rate
	parts := make([]*Result, p.Workers)
	for w := range parts {
		parts[w] = newResult() // before the clock starts: histograms are large
	}
	began := time.Now()
	counted := began.Add(p.Warmup)
	var seen *watch
	var following sync.WaitGroup
	ended := make(chan struct{})
	if p.Watch != nil {
		seen = newWatch(p)
		following.Go(func() { seen.follow(counted, ended) })
	}
	var wg sync.WaitGroup
	for w, part := range parts {
		wg.Go(func() {
			for n := w; n < total; n += p.Workers {
				due := began.Add(time.Duration(float64(n) * interval))
				if !waitUntil(ctx, due) {
					return
				}
				err := call(ctx, w, n)
				if ctx.Err() != nil {
					return // cut off by the end, not by the server
				}
				if n < skip {
					continue
				}
				second, took := max(0, int(due.Sub(counted)/time.Second)), time.Since(due)
				part.add(second, took, err)
				if seen != nil {
					seen.add(second, took, err)
				}
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(counted)
	close(ended)
	following.Wait()
	result := parts[0]
	for _, part := range parts[1:] {
		result.merge(part)
	}
	result.Offered, result.Elapsed = p.Rate, elapsed
	return result, nil
}

// waitUntil returns at the time, or false if the context ends before.
func waitUntil(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A Result is what came of a run.
type Result struct {
	Offered float64       // calls a second that were due
	Elapsed time.Duration // until the last call had come back
	OK      int64
	Failed  int64
	// Errors counts the failures by their text, up to maxErrors different ones.
	Errors map[string]int64
	// Latency of the successful calls, in microseconds from when each was due.
	Latency *hdrhistogram.Histogram
	// Seconds are the same by the second in which the calls were due.
	Seconds []Second
}

// A Second is one second of a run.
type Second struct {
	OK     int64         `json:"ok"`
	Failed int64         `json:"failed"`
	Worst  time.Duration `json:"worst"`
}

const (
	maxErrors  = 20
	maxLatency = int64(2 * time.Minute / time.Microsecond)
)

func newResult() *Result {
	return &Result{Errors: map[string]int64{}, Latency: hdrhistogram.New(1, maxLatency, 3)}
}

func (r *Result) add(second int, took time.Duration, err error) {
	r.Seconds = count(r.Seconds, second, took, err)
	if err != nil {
		r.Failed++
		r.countError(err.Error(), 1)
		return
	}
	r.OK++
	_ = r.Latency.RecordValue(min(took.Microseconds(), maxLatency)) // in range by min
}

// count counts a call in its second, and returns the seconds, which may be more now.
func count(seconds []Second, second int, took time.Duration, err error) []Second {
	for second >= len(seconds) {
		seconds = append(seconds, Second{})
	}
	s := &seconds[second]
	s.Worst = max(s.Worst, took)
	if err != nil {
		s.Failed++
	} else {
		s.OK++
	}
	return seconds
}

func (r *Result) countError(text string, n int64) {
	if _, known := r.Errors[text]; !known && len(r.Errors) >= maxErrors {
		text = "others"
	}
	r.Errors[text] += n
}

func (r *Result) merge(o *Result) {
	r.OK += o.OK
	r.Failed += o.Failed
	for text, n := range o.Errors {
		r.countError(text, n)
	}
	r.Latency.Merge(o.Latency)
	for i, s := range o.Seconds {
		if i == len(r.Seconds) {
			r.Seconds = append(r.Seconds, Second{})
		}
		r.Seconds[i].OK += s.OK
		r.Seconds[i].Failed += s.Failed
		r.Seconds[i].Worst = max(r.Seconds[i].Worst, s.Worst)
	}
}

// Throughput is how many calls a second came back well.
func (r *Result) Throughput() float64 { return float64(r.OK) / r.Elapsed.Seconds() }

// FailedShare is the failed calls over all, from 0 to 1.
func (r *Result) FailedShare() float64 {
	if r.OK+r.Failed == 0 {
		return 0
	}
	return float64(r.Failed) / float64(r.OK+r.Failed)
}

// SlowerShare is the calls that failed or took longer than d, over all, from 0
// to 1.
func (r *Result) SlowerShare(d time.Duration) float64 {
	if r.OK+r.Failed == 0 {
		return 0
	}
	slow := r.Failed
	for _, bar := range r.Latency.Distribution() {
		if time.Duration(bar.From)*time.Microsecond > d {
			slow += bar.Count
		}
	}
	return float64(slow) / float64(r.OK+r.Failed)
}

// Quantile returns the latency that q per cent of the successful calls kept
// under: 99 for p99.
func (r *Result) Quantile(q float64) time.Duration {
	return time.Duration(r.Latency.ValueAtQuantile(q)) * time.Microsecond
}

// String is one line for a person.
func (r *Result) String() string {
	text := fmt.Sprintf("%.0f/s of %.0f/s offered, p50 %v, p99 %v, p99.9 %v",
		r.Throughput(), r.Offered, r.Quantile(50), r.Quantile(99), r.Quantile(99.9))
	if r.Failed > 0 {
		var causes []string
		for _, cause := range slices.Sorted(maps.Keys(r.Errors)) {
			causes = append(causes, fmt.Sprintf("%d × %s", r.Errors[cause], cause))
		}
		text += fmt.Sprintf(", %d failed: %s", r.Failed, strings.Join(causes, "; "))
	}
	return text
}

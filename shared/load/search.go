package load

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// An SLO is what a run must keep to count as carried.
type SLO struct {
	P99    time.Duration
	Failed float64 // share of calls that may fail, from 0 to 1
}

func (s SLO) kept(r *Result) bool {
	// A run that fell behind was not carried, however fast its last calls were.
	return r.OK > 0 && r.Quantile(99) <= s.P99 && r.FailedShare() <= s.Failed &&
		r.Throughput() >= 0.97*r.Offered
}

// A Search looks for the highest rate that keeps an objective.
type Search struct {
	Plan Plan // of each trial; its rate is the first
	SLO  SLO
	// Step is by how much the rate grows, or shrinks, until one that is kept and
	// one that isn't are known; 0 is 2. Who knows about where the limit is makes
	// it small.
	Step float64
	// Precision is how near the two are in the end, as a share: 0.05 is five per cent.
	Precision float64
}

// Max returns the best trial that kept the objective. One that doesn't is tried
// once more before it is believed, since anything else on the machine can spoil a
// trial.
func (s Search) Max(ctx context.Context, call Call) (*Result, error) {
	var best *Result
	step := cmp.Or(s.Step, 2)
	low, high := 0.0, 0.0
	for rate := s.Plan.Rate; ; {
		r, err := s.carried(ctx, rate, call)
		if err != nil {
			return nil, err
		}
		if s.SLO.kept(r) {
			low, best = rate, r
		} else {
			high = rate
		}
		switch {
		case high == 0:
			rate = low * step
		case low == 0:
			rate = high / step
			if rate < 1 {
				return nil, fmt.Errorf("load: not even %.1f/s keep p99 ≤ %v: %v", high, s.SLO.P99, r)
			}
		case high-low <= s.Precision*low:
			return best, nil
		default:
			rate = (low + high) / 2
		}
	}
}

// carried runs the plan at a rate, and once more if it doesn't keep the objective.
func (s Search) carried(ctx context.Context, rate float64, call Call) (r *Result, err error) {
	s.Plan.Rate = rate
	for range 2 {
		if r, err = Run(ctx, s.Plan, call); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if s.SLO.kept(r) {
			break
		}
	}
	return r, nil
}

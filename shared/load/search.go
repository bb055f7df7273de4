package load

import (
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

// SearchMax finds the highest rate that keeps the objective: it doubles from
// p.Rate until it doesn't, and then halves the doubt until low and high are
// within precision (0.05 is five per cent). It returns the best run that did.
// A rate that fails is tried once more before it is believed, since anything
// else on the machine can spoil a run.
func SearchMax(ctx context.Context, p Plan, slo SLO, precision float64, call Call) (*Result, error) {
	var best *Result
	low, high := 0.0, 0.0
	for rate := p.Rate; ; {
		p.Rate = rate
		r, err := carried(ctx, p, slo, call)
		if err != nil {
			return nil, err
		}
		if slo.kept(r) {
			low, best = rate, r
		} else {
			high = rate
		}
		switch {
		case high == 0:
			rate = low * 2
		case low == 0:
			rate = high / 2
			if rate < 1 {
				return nil, fmt.Errorf("load: not even %.1f/s keep p99 ≤ %v: %v", high, slo.P99, r)
			}
		case high-low <= precision*low:
			return best, nil
		default:
			rate = (low + high) / 2
		}
	}
}

// carried runs the plan, and once more if it doesn't keep the objective.
func carried(ctx context.Context, p Plan, slo SLO, call Call) (r *Result, err error) {
	for range 2 {
		if r, err = Run(ctx, p, call); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if slo.kept(r) {
			break
		}
	}
	return r, nil
}

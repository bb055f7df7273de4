// Package bench measures a case beside its baseline: both in one run, on one
// machine, in turns, so that what is said is a ratio that travels, and not an
// absolute figure that doesn't.
//
//	var Redirect = bench.Bench{
//		Name:  "redirect-hit",
//		About: "Redirect, in-process hit, against a bare handler with a constant 302",
//		Run: func(ctx context.Context, r *bench.Run) error {
//			return r.Compare(ctx, bench.Comparison{
//				Unit: "/s", Goal: bench.RatioAtLeast(0.75),
//				Baseline: bareServer, Candidate: warmShortener, …
//			})
//		},
//	}
//
// A bench reports results; a result with a goal held it or didn't. Update and
// Write keep them in results.json, beside those of benches that didn't run, and
// the design doc and the capacity sheet read them there.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"designkits/shared/load"
)

// A Bench is one row of a case's bench table, or a few that belong together.
type Bench struct {
	Name  string
	About string
	// Needs are backends beside those of the case.
	Needs []string
	Run   func(ctx context.Context, r *Run) error
}

// A Result is one measured figure.
type Result struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Baseline is the same figure of what it is measured against, and Ratio
	// Value over Baseline; both 0 where there is none.
	Baseline float64 `json:"baseline,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"`
	// Goal is what was wanted, in words; empty for a figure that is only told.
	Goal string `json:"goal,omitempty"`
	Held bool   `json:"held"`
	// Note is what else a reader should know: percentiles, what limits it.
	Note string `json:"note,omitempty"`
	// Earlier is where and when it was taken, if not in the file's last run.
	Earlier *Stamp `json:"earlier,omitempty"`
}

// A Goal is what a result must reach.
type Goal struct {
	text string
	held func(Result) bool
}

// None is the goal of a figure that is only told.
var None = Goal{}

// RatioAtLeast wants that much of the baseline.
func RatioAtLeast(least float64) Goal {
	return Goal{fmt.Sprintf("≥ %g × baseline", least), func(r Result) bool { return r.Ratio >= least }}
}

// RatioAtMost wants no more than that much of the baseline.
func RatioAtMost(most float64) Goal {
	return Goal{fmt.Sprintf("≤ %g × baseline", most), func(r Result) bool { return r.Ratio <= most }}
}

// AtMost wants no more than that, in the result's unit.
func AtMost(most float64) Goal {
	return Goal{fmt.Sprintf("≤ %g", most), func(r Result) bool { return r.Value <= most }}
}

// AtLeast wants no less than that, in the result's unit.
func AtLeast(least float64) Goal {
	return Goal{fmt.Sprintf("≥ %g", least), func(r Result) bool { return r.Value >= least }}
}

// Within wants no more than that far from a figure, in the result's unit.
func Within(of, distance float64) Goal {
	return Goal{fmt.Sprintf("%.3g ± %g", of, distance), func(r Result) bool { return math.Abs(r.Value-of) <= distance }}
}

// A Run is one bench under way.
type Run struct {
	Results []Result
	// Quick asks for rounds just long enough to see that the bench works; its
	// figures are not kept.
	Quick bool
	// Progress is told what happens, a line each.
	Progress func(line string)
}

// Logf tells what happens.
func (r *Run) Logf(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}

// Report adds a figure and says whether it reached the goal.
func (r *Run) Report(result Result, goal Goal) {
	if result.Baseline != 0 {
		result.Ratio = result.Value / result.Baseline
	}
	result.Goal, result.Held = goal.text, true
	if goal.held != nil {
		result.Held = goal.held(result)
	}
	r.Results = append(r.Results, result)
}

// For returns the time a measurement should take: full, or a token of it in a
// quick run.
func (r *Run) For(full time.Duration) time.Duration {
	if r.Quick {
		return min(full, 500*time.Millisecond)
	}
	return full
}

// A Comparison finds the highest rate that each side carries under an SLO.
type Comparison struct {
	Name                string // of the result
	Baseline, Candidate load.Call
	Workers             int
	From                float64 // the rate at which the search begins
	Rounds              int     // in turns; default 5
	SLO                 load.SLO
	Goal                Goal // for the ratio of throughputs
	// P99 wants the candidate's p99 at half of what it carries to be at most
	// this much of the baseline's at the same rate; 0 wants nothing.
	P99 float64
}

const (
	// rounds is how often each side of a comparison is measured, in turns.
	rounds = 5
	// precision is how near to the highest rate a search ends.
	precision = 0.05
	// nearStep is the step of a search that begins near the highest rate.
	nearStep = 1.2
)

// Compare measures both sides in turns and reports the median of the rounds'
// ratios, so that a machine whose speed drifts treats both alike. Rounds while one
// of them still gets faster aren't counted: a JVM behind compiles in its first
// minutes what it is asked most, and whoever asks less would pay for that. Neither
// are rounds in which the host of a virtual machine gave much of it to others.
func (r *Run) Compare(ctx context.Context, c Comparison) error {
	n := cmp.Or(c.Rounds, rounds)
	if r.Quick {
		n = 1
	}
	plan := load.Plan{Rate: c.From, For: r.For(5 * time.Second), Warmup: r.For(500 * time.Millisecond), Workers: c.Workers}
	search := load.Search{Plan: plan, SLO: c.SLO, Precision: precision}
	base, cand := search, search
	var warm warmUp
	var pairs []pair
	var most float64 // that was stolen in a round that counts
	for dropped := 0; len(pairs) < n; {
		var p pair
		var err error
		began := readTicks()
		if p.baseline, err = base.Max(ctx, c.Baseline); err != nil {
			return fmt.Errorf("%s, baseline: %w", c.Name, err)
		}
		if p.candidate, err = cand.Max(ctx, c.Candidate); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		// The next searches begin where these ended.
		base.Plan.Rate, base.Step = p.baseline.Offered, nearStep
		cand.Plan.Rate, cand.Step = p.candidate.Offered, nearStep
		stolen := readTicks().stolenSince(began)
		which := "warming up"
		switch {
		case !r.Quick && stolen > disturbed && dropped < maxDisturbed:
			dropped++
			which = fmt.Sprintf("not counted, the host took %.0f %% of the cores", 100*stolen)
		case r.Quick || warm.done(p):
			pairs, most = append(pairs, p), max(most, stolen)
			which = fmt.Sprintf("round %d of %d", len(pairs), n)
		}
		r.Logf("%s: %.0f/s against %.0f/s, ratio %.2f", which, p.candidate.Offered, p.baseline.Offered, p.ratio())
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return int(math.Copysign(1, a.ratio()-b.ratio()))
	})
	m := pairs[len(pairs)/2]
	note := fmt.Sprintf("p99 %v against %v at those rates; ratios of %d rounds %.2f to %.2f", m.candidate.Quantile(99), m.baseline.Quantile(99),
		len(pairs), pairs[0].ratio(), pairs[len(pairs)-1].ratio())
	if most > disturbed {
		note += fmt.Sprintf("; the host took up to %.0f %% of the cores", 100*most)
	}
	r.Report(Result{Name: c.Name, Value: m.candidate.Offered, Unit: "/s", Baseline: m.baseline.Offered, Note: note}, c.Goal)
	if c.P99 == 0 {
		return nil
	}
	plan.Rate, plan.For = math.Max(1, m.candidate.Offered/2), r.For(10*time.Second)
	return r.compareP99(ctx, c, plan)
}

// A warmUp is what comes before the rounds that count.
type warmUp struct {
	rounds, still int
	base, cand    float64 // the fastest so far
}

const (
	// faster is by what a round has to be faster than all before, to be called so.
	faster = 1.1
	// stillFor is after how many rounds in a row without that a side is warm.
	stillFor  = 2
	maxWarmUp = 8 // rounds
)

// done reports whether the round counts; it is called once for each.
func (w *warmUp) done(p pair) bool {
	if w.still == stillFor || w.rounds == maxWarmUp {
		return true
	}
	w.rounds++
	if w.still++; p.baseline.Offered > faster*w.base || p.candidate.Offered > faster*w.cand {
		w.still = 0
	}
	w.base, w.cand = max(w.base, p.baseline.Offered), max(w.cand, p.candidate.Offered)
	return false
}

type pair struct{ baseline, candidate *load.Result }

func (p pair) ratio() float64 { return p.candidate.Offered / p.baseline.Offered }

// compareP99 sends both sides the same load, which neither finds hard.
func (r *Run) compareP99(ctx context.Context, c Comparison, plan load.Plan) error {
	base, err := load.Run(ctx, plan, c.Baseline)
	if err != nil {
		return fmt.Errorf("%s, p99 of the baseline: %w", c.Name, err)
	}
	cand, err := load.Run(ctx, plan, c.Candidate)
	if err != nil {
		return fmt.Errorf("%s, p99: %w", c.Name, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Report(Result{
		Name: c.Name + "-p99", Unit: "ms",
		Value:    float64(cand.Quantile(99).Microseconds()) / 1000,
		Baseline: float64(base.Quantile(99).Microseconds()) / 1000,
		Note:     fmt.Sprintf("both at %.0f/s", plan.Rate),
	}, RatioAtMost(c.P99))
	return nil
}

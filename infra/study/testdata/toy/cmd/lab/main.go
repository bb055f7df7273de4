// Command lab has a sheet and an experiment that needs nothing but itself.
package main

import (
	"context"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/estimate"
	"designkits/shared/lab"
	"designkits/shared/load"
)

func main() {
	lab.Main(lab.Case{Sheet: sheet, Curveballs: []curveball.Experiment{fullBucket}})
}

func sheet() *estimate.Sheet {
	s := estimate.New("Toy")
	visits := s.Input("visits", 1000, estimate.PerDay, "made up")
	s.Derive("visits a second", visits, estimate.PerSecond)
	return s
}

var fullBucket = curveball.Experiment{
	Name:       "full-bucket",
	Question:   "What if the bucket is full?",
	Hypothesis: "What doesn't fit is refused.",
	Expect:     curveball.Bands{curveball.AtMost("spilled", "l", 2)},
	Control:    curveball.Without("the lid", "lid", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		t.Phase("filling")
		pour := func(context.Context, int, int) error { return nil }
		if _, err := t.Load(ctx, "pouring", load.Plan{Rate: 20, For: 2 * time.Second}, pour); err != nil {
			return err
		}
		nothing := func(context.Context) error { return nil }
		if err := t.Break(ctx, "the bucket is full", nothing, nothing); err != nil {
			return err
		}
		t.Figure("spilled", map[string]float64{"on": 1.5, "off": 40}[t.Option("lid", "on")])
		return nil
	},
}

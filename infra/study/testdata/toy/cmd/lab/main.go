// Command lab has a sheet and an experiment that needs nothing but itself.
package main

import (
	"context"
	"errors"
	"os"
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
		rain := make(chan error, 1)
		go func() {
			_, err := t.Load(ctx, "rain", load.Plan{Rate: 5, For: 2 * time.Second}, func(context.Context, int, int) error { return nil })
			rain <- err
		}()
		_, err := t.Load(ctx, "pouring", load.Plan{Rate: 20, For: 2 * time.Second}, pour(t))
		if err = errors.Join(err, <-rain); err != nil {
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

// pour spills a drop in ten. The last one falls once somebody has closed the tap,
// which is a file that TOY_TAP names.
func pour(t *curveball.Trial) load.Call {
	return func(ctx context.Context, _, n int) error {
		for n == 39 && !closed() {
			if err := t.Wait(ctx, 20*time.Millisecond); err != nil {
				return err
			}
		}
		if n%10 == 9 {
			return errors.New("spilled")
		}
		return nil
	}
}

func closed() bool {
	_, err := os.Stat(os.Getenv("TOY_TAP"))
	return err == nil
}

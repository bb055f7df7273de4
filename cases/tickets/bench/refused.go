package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets/client"
	harness "designkits/shared/bench"
)

// In the theatre of 500 seats 64 fans hold two each at most, so at no time is
// more than a quarter of it taken, and whoever is refused is refused though
// seats are free.
var refusedThoughFree = harness.Bench{
	Name:  "refused-though-free",
	About: "fans who ask two replicas at once for the best two seats of a hall that is never more than a quarter full: share that is refused",
	Run: func(ctx context.Context, r *harness.Run) error {
		return withShow(ctx, "theatre", 2*time.Minute, func(s show) error {
			other, err := client.New("http://" + s.seen)
			if err != nil {
				return err
			}
			defer other.Close()
			var asked, refusals atomic.Int64
			until := time.Now().Add(r.For(15 * time.Second))
			all, ctx := errgroup.WithContext(ctx)
			for n := range buyers {
				page := s.Client
				if n%2 == 1 {
					page = other
				}
				all.Go(func() error {
					for time.Now().Before(until) {
						fan := page.As(session())
						hold, err := fan.Hold(ctx, s.event, client.NewKey(), "", client.Wish{Best: &client.Best{Seats: 2, Together: true}})
						asked.Add(1)
						switch {
						case client.Is(err, "seats-taken", "none-left"):
							refusals.Add(1)
						case err != nil:
							return fmt.Errorf("hold the best two: %w", err)
						default:
							if err := fan.Release(ctx, s.event, hold.Hold); err != nil {
								return fmt.Errorf("let them go: %w", err)
							}
						}
					}
					return nil
				})
			}
			if err := all.Wait(); err != nil {
				return err
			}
			r.Report(harness.Result{
				Name: "refused-though-free", Value: 100 * float64(refusals.Load()) / float64(asked.Load()), Unit: "%",
				Note: fmt.Sprintf("%d of %d requests of %d fans", refusals.Load(), asked.Load(), buyers),
			}, harness.AtMost(0.5))
			return nil
		})
	},
}

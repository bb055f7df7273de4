package curveballs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/shared/curveball"
	"designkits/shared/fault"
	"designkits/shared/rig"
)

// RedisDies is Redis that dies in the middle of the sale, and comes back empty.
var RedisDies = curveball.Experiment{
	Name:       "redis-dies",
	Question:   "Redis, which has all holds, dies in the middle of the sale, and what comes back is empty. What is sold twice?",
	Hypothesis: "Nothing; and who had ordered gets tickets while it is dead.",
	Answer: `Redis decides who may try; PostgreSQL's index decides who has bought ([Confirm](adapters/redis/claims.go)). While Redis
is dead nobody can choose a seat, which people see, and orders on their way end all the same: their
hold's end stands in the order. When it comes back empty, the holds of those who were still
choosing are lost, and each replica tells it again what the record knows to be sold
([Restore](adapters/redis/claims.go)), so that nobody tries those in vain; even before that, a second sale
would be refused at its confirmation, before money is taken. A lock in Redis with nothing behind it
sells the whole house again.`,
	Expect: curveball.Bands{
		curveball.AtMost("seats that two have paid for", "", 0),
		curveball.AtLeast("orders that ended well while Redis was dead, of 10", "", 10),
	},
	Control: curveball.With("a lock with a TTL alone", "CLAIMS", "setnx"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		kit, err := fault.Open()
		if err != nil {
			return err
		}
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"SLOW_AFTER": "4s"}})
		if err != nil {
			return err
		}
		const event = "redis"
		if err := s.open(ctx, event, nil); err != nil {
			return err
		}
		sold, err := s.buy(ctx, event, 20, 2)
		if err != nil {
			return err
		}
		if open, err := s.ended(ctx, event, 15*time.Second); err != nil || open > 0 {
			return fmt.Errorf("%d orders have no end before anything is broken: %w", open, err)
		}
		for range 10 {
			fan, err := s.a(ctx, "fan")
			if err != nil {
				return err
			}
			hold, err := fan.best(ctx, event, 1)
			if err != nil {
				return err
			}
			if _, err := hold.pay(ctx, "tok_slow"); err != nil {
				return err
			}
		}
		err = t.Break(ctx, "redis is killed",
			func(ctx context.Context) error { return kit.Kill(ctx, "redis") }, func(ctx context.Context) error { return kit.Restart(ctx, "redis") })
		if err != nil {
			return err
		}
		if _, err := s.ended(ctx, event, 12*time.Second); err != nil {
			return err
		}
		states, err := s.states(ctx, event)
		if err != nil {
			return err
		}
		t.Figure("orders that ended well while Redis was dead, of 10", float64(states[tickets.Done]-len(sold)))
		if err := t.Mend(ctx); err != nil {
			return err
		}
		keys, err := s.keys(ctx)
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := s.raw.Del(ctx, keys...).Err(); err != nil {
				return fmt.Errorf("empty Redis: %w", err)
			}
		}
		t.Phase("Redis is back, and empty: 20 others want what is sold")
		if err := s.wantSold(ctx, event, sold); err != nil {
			return err
		}
		if _, err := s.ended(ctx, event, 6*time.Second); err != nil {
			return err
		}
		twice, err := s.twice(ctx, event)
		t.Figure("seats that two have paid for", float64(twice))
		return err
	},
}

// wantSold makes others try to buy what is sold. That they are refused is fine.
func (s *site) wantSold(ctx context.Context, event tickets.EventID, sold []bought) error {
	var trying errgroup.Group
	trying.SetLimit(8)
	for _, before := range sold {
		trying.Go(func() error {
			fan, err := s.a(ctx, "fan")
			if err != nil {
				return err
			}
			err = s.until(ctx, 10*time.Second, func() (bool, error) {
				hold, err := fan.hold(ctx, event, before.hold.Seats[0].Seat, before.hold.Seats[1].Seat)
				switch {
				case refused(err, "unavailable"): // its connections are being made again
					return false, nil
				case refused(err, "seats-taken"), refused(err, "orphan-seat"):
					return true, nil
				case err != nil:
					return false, err
				}
				_, err = hold.pay(ctx, "tok_ok")
				return true, err
			})
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
				err = fmt.Errorf("buy what is sold: Redis is back, and booking doesn't see it: %w", err)
			}
			return err
		})
	}
	return trying.Wait()
}

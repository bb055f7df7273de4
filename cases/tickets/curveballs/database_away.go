package curveballs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/fault/link"
	"designkits/shared/kitenv"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// DatabaseAway is PostgreSQL that fails over, which takes 20 seconds.
var DatabaseAway = curveball.Experiment{
	Name:       "database-away",
	Question:   "PostgreSQL fails over in the middle of the sale and is away for 20 seconds. What can people still do, and what is lost?",
	Hypothesis: "They go on choosing seats, which needs Redis only; orders wait, and every one that was accepted ends.",
	Answer: `A hold is in Redis and the event in each replica's memory, so choosing goes on ([Hold](adapters/redis/claims.go)).
Paying is what stops: an order is accepted only once it is written down, so nobody hears "yes" for
something that is lost. Orders on their way stand still in the state that was written last and go on
from there: no worker remembers anything. Two minutes of hold are longer than the 20 seconds, so
who held seats when it began can pay for them when it is over. Where holds are rows, the sale stands still. (The way
to the database is cut; a failover that loses commits is another question: synchronous replication
answers it, at a round trip a commit.)`,
	Expect: curveball.Bands{
		curveball.AtMost("failed holds while the database is away", "%", 2),
		curveball.AtMost("accepted orders without tickets", "", 0),
		curveball.AtMost("seats that two have paid for", "", 0),
	},
	Control: curveball.With("holds as rows in PostgreSQL", "CLAIMS", "for-update"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		addr, err := kitenv.Addr("postgres")
		if err != nil {
			return err
		}
		way, err := link.Open(addr)
		if err != nil {
			return err
		}
		s, err := start(ctx, t, rig.Options{Via: map[string]string{"postgres": way.Addr()}})
		if err != nil {
			way.Close()
			return err
		}
		t.Cleanup(func(context.Context) error { way.Close(); return nil })
		const event = "away"
		if err := s.open(ctx, event, nil); err != nil {
			return err
		}
		before, err := s.buy(ctx, event, 20, 2)
		if err != nil {
			return err
		}
		err = t.Break(ctx, "the way to PostgreSQL is cut",
			func(context.Context) error { way.Cut(); return nil }, func(context.Context) error { return way.Mend() })
		if err != nil {
			return err
		}
		var mu sync.Mutex
		var holds []*held
		away, err := t.Load(ctx, "holds", load.Plan{Rate: 10, For: 20 * time.Second, Workers: 32}, func(ctx context.Context, _, _ int) error {
			fan, err := s.a(ctx, "fan")
			if err != nil {
				return err
			}
			hold, err := fan.best(ctx, event, 1)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			holds = append(holds, hold)
			return nil
		})
		if err != nil {
			return err
		}
		if err := t.Mend(ctx); err != nil {
			return err
		}
		accepted := len(before)
		for _, hold := range holds[:min(20, len(holds))] {
			err := s.until(ctx, 10*time.Second, func() (bool, error) {
				_, err := hold.pay(ctx, "tok_ok")
				if refused(err, "unavailable") { // its connections are being made again
					return false, nil
				}
				return true, err
			})
			if err != nil {
				return fmt.Errorf("pay for what was held meanwhile: %w", err)
			}
			accepted++
		}
		if _, err := s.ended(ctx, event, 30*time.Second); err != nil {
			return err
		}
		states, err := s.states(ctx, event)
		if err != nil {
			return err
		}
		twice, err := s.twice(ctx, event)
		t.Figure("failed holds while the database is away", 100*away.FailedShare())
		t.Figure("accepted orders without tickets", float64(accepted-states["done"]))
		t.Figure("seats that two have paid for", float64(twice))
		return err
	},
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	harness "designkits/shared/bench"
)

var claimsBlind = harness.Bench{
	Name:  "claims-blind",
	About: "a section sold out to buyers who try any seat of it: Redis and the constraint against FOR UPDATE",
	Run: func(ctx context.Context, r *harness.Run) error {
		return strategies(ctx, r, "claims-blind", 2000, false, 3.5)
	},
}

var claimsInformed = harness.Bench{
	Name:  "claims-informed",
	About: "the same where the buyers see what is sold: Redis and the constraint against FOR UPDATE",
	Run: func(ctx context.Context, r *harness.Run) error {
		return strategies(ctx, r, "claims-informed", 4000, true, 1.5)
	},
}

const (
	buyers      = 64 // at once
	connections = 32 // to PostgreSQL: those of two replicas of booking
)

// strategies sells sections by both strategies in turns, to the last seat. A
// claim counts when PostgreSQL's constraint has accepted it, so it is a hold and
// its confirmation whatever the strategy.
func strategies(ctx context.Context, r *harness.Run, name string, seats int, informed bool, goal float64) (err error) {
	s, err := openStore(ctx, connections)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	locking, err := s.db.Claims(postgres.ForUpdate)
	if err != nil {
		return err
	}
	rounds := 3
	if r.Quick {
		seats, rounds = seats/20, 1
	}
	var pairs [][2]outcome
	for round := range rounds {
		var pair [2]outcome
		for side, claims := range []tickets.Claims{locking, s.redis.Claims(s.db.Sales())} {
			section := &section{claims: claims, event: tickets.EventID(fmt.Sprintf("e%d-%d", round, side)), sold: make([]atomic.Bool, seats)}
			for n := range seats {
				section.seats = append(section.seats, tickets.SeatID(fmt.Sprintf("stalls/%d/%d", n/50, n%50+1)))
			}
			if side == 0 {
				if err := s.db.AddSeats(ctx, section.event, section.seats); err != nil {
					return err
				}
			}
			if pair[side], err = section.sellOut(ctx, informed); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := section.audit(ctx, s.db.Sales()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		r.Logf("round %d of %d: %v against %v", round+1, rounds, pair[1], pair[0])
		pairs = append(pairs, pair)
	}
	ratio := func(p [2]outcome) float64 { return p[1].rate / p[0].rate }
	slices.SortFunc(pairs, func(a, b [2]outcome) int {
		if ratio(a) < ratio(b) {
			return -1
		}
		return 1
	})
	m := pairs[len(pairs)/2]
	r.Report(harness.Result{
		Name: name, Value: m[1].rate, Unit: "/s", Baseline: m[0].rate,
		Note: fmt.Sprintf("%d buyers, %d seats; %.1f tries a sale against %.1f; ratios of %d rounds %.2f to %.2f", buyers, seats, m[1].tries, m[0].tries, len(pairs), ratio(pairs[0]), ratio(pairs[len(pairs)-1])),
	}, harness.RatioAtLeast(goal))
	r.Report(harness.Result{
		Name: name + "-p99", Value: ms(m[1].p99), Unit: "ms", Baseline: ms(m[0].p99), Note: "of a claim that was granted, hold and confirmation, in the same rounds",
	}, harness.RatioAtMost(1))
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// A section is sold by claims.
type section struct {
	claims tickets.Claims
	event  tickets.EventID
	seats  []tickets.SeatID
	sold   []atomic.Bool // as all buyers see it
	left   atomic.Int64
	tries  atomic.Int64

	mu   sync.Mutex
	took []time.Duration // of those that were granted
}

// An outcome is how the sale of a section went.
type outcome struct {
	rate  float64 // claims a second
	tries float64 // a claim
	p99   time.Duration
}

func (o outcome) String() string {
	return fmt.Sprintf("%.0f/s, p99 %.1f ms, %.1f tries a sale", o.rate, ms(o.p99), o.tries)
}

// sellOut sells every seat.
func (s *section) sellOut(ctx context.Context, informed bool) (outcome, error) {
	s.left.Store(int64(len(s.seats)))
	began := time.Now()
	all, ctx := errgroup.WithContext(ctx)
	for n := range buyers {
		all.Go(func() error { return s.buy(ctx, tickets.Account(fmt.Sprint("a", n)), informed) })
	}
	if err := all.Wait(); err != nil {
		return outcome{}, err
	}
	elapsed := time.Since(began)
	slices.Sort(s.took)
	sold := float64(len(s.seats))
	return outcome{sold / elapsed.Seconds(), float64(s.tries.Load()) / sold, s.took[len(s.took)*99/100]}, nil
}

// buy tries one seat after the other until all are sold, or look so.
func (s *section) buy(ctx context.Context, account tickets.Account, informed bool) error {
	for try := 0; s.left.Load() > 0; try++ {
		n := rand.IntN(len(s.seats))
		if informed {
			if n = s.free(n); n < 0 {
				return nil
			}
		}
		name := fmt.Sprintf("%s-%d", account, try)
		began := time.Now()
		s.tries.Add(1)
		grant, err := s.claims.Hold(ctx, tickets.Claim{Hold: tickets.HoldID("h" + name), Event: s.event, Account: account, Seats: s.seats[n : n+1], For: 2 * time.Minute})
		if _, taken := errors.AsType[*tickets.Taken](err); taken {
			s.sold[n].Store(true)
			continue
		}
		if err != nil {
			return err
		}
		s.sold[n].Store(true) // a map shows it as soon as it is held
		if err := s.claims.Confirm(ctx, grant, tickets.OrderID("o"+name)); err != nil {
			return err
		}
		s.left.Add(-1)
		s.mu.Lock()
		s.took = append(s.took, time.Since(began))
		s.mu.Unlock()
	}
	return nil
}

// free is the first seat from n on that looks free, and -1 if none does.
func (s *section) free(n int) int {
	for range s.seats {
		if !s.sold[n].Load() {
			return n
		}
		n = (n + 1) % len(s.seats)
	}
	return -1
}

// audit compares what the buyers believe with the record: every seat sold once.
func (s *section) audit(ctx context.Context, sales tickets.Sales) error {
	sold, err := sales.Sold(ctx, s.event)
	if err != nil {
		return err
	}
	if len(sold) != len(s.seats) || len(s.took) != len(s.seats) {
		return fmt.Errorf("%d seats were granted %d times, and the record has %d sold", len(s.seats), len(s.took), len(sold))
	}
	return nil
}

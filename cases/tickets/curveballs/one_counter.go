package curveballs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"designkits/shared/curveball"
)

// OneCounter is general admission kept as a number.
var OneCounter = curveball.Experiment{
	Name:       "one-counter",
	Question:   "General admission: 2,000 places are a number in one row, and everybody wants one. How fast can they go?",
	Hypothesis: "One row sells one place a commit; 64 rows that add up to it sell far more, and to the last place.",
	Answer: `A row's lock is held until the commit has reached the disk, so one counter sells a place a commit,
whatever the machine. Slots are the counter cut into many rows: a buyer takes from a random one,
and from the next where that is empty; so none is sold too many and none is left over, and commits
of different slots share one write to disk. The price is that "how many are left" is a sum. We go
the whole way: standing room is a row of seats without names ([Venue](venue/venue.go)), a slot for
each place, so that holds, limits and the one constraint are those of every other seat.`,
	Expect: curveball.Bands{
		curveball.AtLeast("sold a second, times those of one row", "", 1.7),
		curveball.AtMost("places sold too many", "", 0),
		curveball.AtMost("places left over", "", 0),
	},
	Control: curveball.With("one row", "slots", "1"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := openStores(ctx, t)
		if err != nil {
			return err
		}
		slots, err := strconv.Atoi(t.Option("slots", "64"))
		if err != nil {
			return fmt.Errorf("slots: %w", err)
		}
		const places = 2000
		one, err := s.newCounter(ctx, "one_row", 1, places)
		if err != nil {
			return err
		}
		many, err := s.newCounter(ctx, "slots", slots, places)
		if err != nil {
			return err
		}
		// Both sell at the same time, so that whatever else the machine does it does to
		// both; they are compared when the first is sold out.
		began := time.Now()
		var first sync.Once
		var ones, manys int64
		soldOut := func() {
			first.Do(func() {
				ones, manys = one.taken.Load(), many.taken.Load()
				t.Note("after %.1f s one row has sold %d places, and %d slots %d", time.Since(began).Seconds(), ones, slots, manys)
			})
		}
		var selling errgroup.Group
		for _, c := range []*counter{one, many} {
			selling.Go(func() error { return s.sellBy(ctx, c, soldOut) })
		}
		if err := selling.Wait(); err != nil {
			return err
		}
		t.Figure("sold a second, times those of one row", float64(manys)/float64(max(ones, 1)))
		low, high := int64(places), int64(places)
		for _, c := range []*counter{one, many} {
			var sold int64
			if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM entries_`+c.table).Scan(&sold); err != nil {
				return fmt.Errorf("count the entries: %w", err)
			}
			low, high = min(low, sold), max(high, sold)
		}
		t.Figure("places sold too many", float64(high-places))
		t.Figure("places left over", float64(places-low))
		return nil
	},
}

// A counter is places that are left, as numbers in so many rows of a table.
type counter struct {
	table  string
	slots  int
	places int64
	taken  atomic.Int64
}

func (s *stores) newCounter(ctx context.Context, table string, slots, places int) (*counter, error) {
	_, err := s.pool.Exec(ctx, fmt.Sprintf(`
		CREATE TABLE %[1]s (slot int PRIMARY KEY, free int NOT NULL CHECK (free >= 0)) WITH (fillfactor = 10);
		INSERT INTO %[1]s SELECT n, %[3]d / %[2]d + CASE WHEN n < %[3]d %% %[2]d THEN 1 ELSE 0 END FROM generate_series(0, %[2]d - 1) AS n;
		CREATE TABLE entries_%[1]s (id bigserial PRIMARY KEY, slot int NOT NULL)`, table, slots, places))
	if err != nil {
		return nil, fmt.Errorf("make the counter: %w", err)
	}
	return &counter{table: table, slots: slots, places: int64(places)}, nil
}

// sellBy sells what the counter has, and says when that was all. Some come too
// late.
func (s *stores) sellBy(ctx context.Context, c *counter, soldOut func()) error {
	var tried atomic.Int64
	var buyers errgroup.Group
	for range connections / 2 {
		buyers.Go(func() error {
			for tried.Add(1) <= c.places+100 {
				got, err := s.take(ctx, c)
				if err != nil {
					return fmt.Errorf("sell by %d slots: %w", c.slots, err)
				}
				if got && c.taken.Add(1) == c.places {
					soldOut()
				}
			}
			return nil
		})
	}
	return buyers.Wait()
}

// take takes a place from a random slot, or from the next that has one.
func (s *stores) take(ctx context.Context, c *counter) (got bool, err error) {
	first := rand.IntN(c.slots)
	for n := 0; n < c.slots && !got && err == nil; n++ {
		slot := (first + n) % c.slots
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			done, err := tx.Exec(ctx, fmt.Sprintf(`UPDATE %s SET free = free - 1 WHERE slot = $1 AND free > 0`, c.table), slot)
			if got = err == nil && done.RowsAffected() == 1; !got {
				return err
			}
			_, err = tx.Exec(ctx, fmt.Sprintf(`INSERT INTO entries_%s (slot) VALUES ($1)`, c.table), slot)
			return err
		})
	}
	return got && err == nil, err
}

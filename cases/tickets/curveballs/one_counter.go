package curveballs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
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
		one, err := s.sellByCounter(ctx, t, "one_row", 1, places)
		if err != nil {
			return err
		}
		many, err := s.sellByCounter(ctx, t, "slots", slots, places)
		t.Figure("sold a second, times those of one row", many.perSecond/one.perSecond)
		t.Figure("places sold too many", float64(max(one.sold, many.sold)-places))
		t.Figure("places left over", float64(places-min(one.sold, many.sold)))
		return err
	},
}

type soldByCounter struct {
	sold      int64
	perSecond float64
}

// sellByCounter sells the places, which are spread over so many rows of a table.
func (s *stores) sellByCounter(ctx context.Context, t *curveball.Trial, table string, slots, places int) (r soldByCounter, err error) {
	_, err = s.pool.Exec(ctx, fmt.Sprintf(`
		CREATE TABLE %[1]s (slot int PRIMARY KEY, free int NOT NULL CHECK (free >= 0)) WITH (fillfactor = 10);
		INSERT INTO %[1]s SELECT n, %[3]d / %[2]d + CASE WHEN n < %[3]d %% %[2]d THEN 1 ELSE 0 END FROM generate_series(0, %[2]d - 1) AS n;
		CREATE TABLE entries_%[1]s (id bigserial PRIMARY KEY, slot int NOT NULL)`, table, slots, places))
	if err != nil {
		return r, fmt.Errorf("make the counter: %w", err)
	}
	take := fmt.Sprintf(`UPDATE %s SET free = free - 1 WHERE slot = $1 AND free > 0`, table)
	note := fmt.Sprintf(`INSERT INTO entries_%s (slot) VALUES ($1)`, table)
	began := time.Now()
	var tried atomic.Int64
	var buyers errgroup.Group
	for range connections / 2 {
		buyers.Go(func() error {
			for tried.Add(1) <= int64(places)+100 { // some come too late
				first := rand.IntN(slots)
				for n := range slots {
					got := false
					err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
						done, err := tx.Exec(ctx, take, (first+n)%slots)
						if got = err == nil && done.RowsAffected() == 1; !got {
							return err
						}
						_, err = tx.Exec(ctx, note, (first+n)%slots)
						return err
					})
					if err != nil {
						return err
					}
					if got {
						break
					}
				}
			}
			return nil
		})
	}
	if err := buyers.Wait(); err != nil {
		return r, fmt.Errorf("sell by %d slots: %w", slots, err)
	}
	took := time.Since(began)
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM entries_`+table).Scan(&r.sold); err != nil {
		return r, fmt.Errorf("count the entries: %w", err)
	}
	r.perSecond = float64(r.sold) / took.Seconds()
	t.Note("%d slots: %d places in %.1f s, %.0f/s", slots, r.sold, took.Seconds(), r.perSecond)
	return r, nil
}

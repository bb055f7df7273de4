package curveballs

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"designkits/shared/curveball"
)

// RepeatableRead is a sale of standing room by count, then insert.
var RepeatableRead = curveball.Experiment{
	Name:       "repeatable-read",
	Question:   "100 places, 400 buyers at once: each transaction counts the sold ones and inserts one more if there is room. REPEATABLE READ, so is all well?",
	Hypothesis: "Not by the isolation: a rule that one statement or constraint enforces sells 100, at READ COMMITTED.",
	Answer: `In PostgreSQL REPEATABLE READ is snapshot isolation. It refuses the second of two transactions that
change the same row; these insert different rows, each counts in its own snapshot, and all are right by
what they saw: write skew. The standard's levels say nothing of it. Three things do hold: SERIALIZABLE,
with retries; one row that all have to change; or a constraint. We have a row a place, standing room
included, and a unique index over the sales ([Sales](adapters/postgres/sales.go)), so no level of isolation has to
be right, and a retry after a lost commit is told "taken" or "yours". Here it is one conditional
UPDATE of one row.`,
	Expect: curveball.Bands{
		curveball.AtMost("places sold too many, of 100", "", 0),
		curveball.AtLeast("places sold", "", 100),
	},
	Control: curveball.With("check, then act, under REPEATABLE READ", "rule", "count"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := openStores(ctx, t)
		if err != nil {
			return err
		}
		if _, err := s.pool.Exec(ctx, `
			CREATE TABLE room (taken int NOT NULL, places int NOT NULL);
			INSERT INTO room VALUES (0, 100);
			CREATE TABLE entries (buyer int PRIMARY KEY)`); err != nil {
			return fmt.Errorf("make the tables of the sale: %w", err)
		}
		buy := takeIfFree
		level := pgx.ReadCommitted
		if t.Option("rule", "update") == "count" {
			buy, level = countThenInsert, pgx.RepeatableRead
		}
		var buyers errgroup.Group
		buyers.SetLimit(connections)
		for buyer := range 400 {
			buyers.Go(func() error {
				for {
					err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: level}, func(tx pgx.Tx) error { return buy(ctx, tx, buyer) })
					var failure *pgconn.PgError
					if errors.As(err, &failure) && failure.Code == "40001" { // serialization failure: again
						continue
					}
					return err
				}
			})
		}
		if err := buyers.Wait(); err != nil {
			return fmt.Errorf("sell places: %w", err)
		}
		var sold int
		if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM entries`).Scan(&sold); err != nil {
			return fmt.Errorf("count the entries: %w", err)
		}
		t.Figure("places sold too many, of 100", float64(max(sold-100, 0)))
		t.Figure("places sold", float64(sold))
		return nil
	},
}

// countThenInsert looks how many there are, and then acts on it.
func countThenInsert(ctx context.Context, tx pgx.Tx, buyer int) error {
	var sold int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM entries`).Scan(&sold); err != nil || sold >= 100 {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO entries VALUES ($1)`, buyer)
	return err
}

// takeIfFree takes a place and is told whether there was one by the same statement.
func takeIfFree(ctx context.Context, tx pgx.Tx, buyer int) error {
	done, err := tx.Exec(ctx, `UPDATE room SET taken = taken + 1 WHERE taken < places`)
	if err != nil || done.RowsAffected() == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO entries VALUES ($1)`, buyer)
	return err
}

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"designkits/cases/tickets"
)

// Sales is the tickets.Sales: table sales, and its index one_sale.
type Sales struct{ db *DB }

// Sales returns the record of sales.
func (db *DB) Sales() *Sales { return &Sales{db} }

var _ tickets.Sales = (*Sales)(nil)

// Sell implements tickets.Sales.
func (s *Sales) Sell(ctx context.Context, g tickets.Grant, order tickets.OrderID) error {
	return s.db.run(ctx, "sell", string(order), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) error { return sell(ctx, tx, g, order) })
	})
}

// sell records the sale. The index refuses what is sold; the tokens refuse a
// grant that others have overtaken.
func sell(ctx context.Context, tx pgx.Tx, g tickets.Grant, order tickets.OrderID) error {
	// In one order in every transaction, so that no two wait for each other.
	done, err := tx.Exec(ctx, `
		INSERT INTO sales (event, seat, order_id, account, token)
		SELECT $1, seat, $3, $4, $5 FROM unnest($2::text[]) AS seat
		WHERE NOT EXISTS (SELECT FROM sales WHERE event = $1 AND sales.seat = seat.seat AND token >= $5)
		ORDER BY seat`, g.Event, g.Seats, order, g.Account, g.Token)
	if violates(err, "one_sale") {
		return &tickets.Taken{Seats: g.Seats}
	}
	if err != nil || int(done.RowsAffected()) == len(g.Seats) {
		return err
	}
	ours, err := bought(ctx, tx, g, order)
	if err == nil && !ours { // not a repetition
		return &tickets.Taken{Seats: g.Seats}
	}
	return err
}

// Bought implements tickets.Sales.
func (s *Sales) Bought(ctx context.Context, g tickets.Grant, order tickets.OrderID) (has bool, err error) {
	err = s.db.run(ctx, "look for the sale to", string(order), func(ctx context.Context) (err error) {
		has, err = bought(ctx, s.db.pool, g, order)
		return err
	})
	return has, err
}

// bought reports whether the order has bought the seats by this very grant.
func bought(ctx context.Context, in interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, g tickets.Grant, order tickets.OrderID) (bool, error) {
	var seats int
	err := in.QueryRow(ctx, `SELECT count(*) FROM sales WHERE event = $1 AND seat = ANY($2) AND order_id = $3 AND token = $4 AND refunded_at IS NULL`,
		g.Event, g.Seats, order, g.Token).Scan(&seats)
	return seats == len(g.Seats), err
}

// violates reports whether an error is the refusal of the constraint.
func violates(err error, constraint string) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && failure.ConstraintName == constraint
}

// Refund implements tickets.Sales.
func (s *Sales) Refund(ctx context.Context, event tickets.EventID, order tickets.OrderID, seats []tickets.SeatID) (refunded []tickets.SeatID, err error) {
	err = s.db.run(ctx, "refund", string(order), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) error {
			if _, err := refund(ctx, tx, event, order, seats); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, `SELECT seat FROM sales WHERE event = $1 AND order_id = $2 AND refunded_at IS NOT NULL`, event, order)
			if err != nil {
				return err
			}
			refunded, err = pgx.CollectRows(rows, pgx.RowTo[tickets.SeatID])
			return err
		})
	})
	return refunded, err
}

// refund marks sales of an order, all where no seat is named, and returns the
// seats that were not marked before.
func refund(ctx context.Context, tx pgx.Tx, event tickets.EventID, order tickets.OrderID, seats []tickets.SeatID) ([]tickets.SeatID, error) {
	rows, err := tx.Query(ctx, `
		UPDATE sales SET refunded_at = now()
		WHERE event = $1 AND order_id = $2 AND refunded_at IS NULL AND (cardinality($3::text[]) = 0 OR seat = ANY($3)) RETURNING seat`,
		event, order, notNil(seats))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[tickets.SeatID])
}

// notNil is an array for PostgreSQL, where nil would be NULL.
func notNil(seats []tickets.SeatID) []tickets.SeatID {
	if seats == nil {
		return []tickets.SeatID{}
	}
	return seats
}

// Counts returns how many seats of each of the events are sold.
func (s *Sales) Counts(ctx context.Context, events []tickets.EventID) (map[tickets.EventID]int, error) {
	counts := map[tickets.EventID]int{}
	err := s.db.run(ctx, "count the sales of", fmt.Sprint(events), func(ctx context.Context) error {
		rows, err := s.db.pool.Query(ctx, `SELECT event, count(*) FROM sales WHERE event = ANY($1) AND refunded_at IS NULL GROUP BY event`, events)
		if err != nil {
			return err
		}
		var event tickets.EventID
		var n int
		_, err = pgx.ForEachRow(rows, []any{&event, &n}, func() error { counts[event] = n; return nil })
		return err
	})
	return counts, err
}

// Sold implements tickets.Sales.
func (s *Sales) Sold(ctx context.Context, event tickets.EventID) (map[tickets.SeatID]tickets.OrderID, error) {
	sold := map[tickets.SeatID]tickets.OrderID{}
	err := s.db.run(ctx, "read the sales of", string(event), func(ctx context.Context) error {
		rows, err := s.db.pool.Query(ctx, `SELECT seat, order_id FROM sales WHERE event = $1 AND refunded_at IS NULL`, event)
		if err != nil {
			return err
		}
		var seat tickets.SeatID
		var order tickets.OrderID
		_, err = pgx.ForEachRow(rows, []any{&seat, &order}, func() error { sold[seat] = order; return nil })
		return err
	})
	return sold, err
}

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
)

// Orders is the tickets.Orders: tables orders and order_lines.
type Orders struct{ db *DB }

// Orders returns the orders.
func (db *DB) Orders() *Orders { return &Orders{db} }

var _ tickets.Orders = (*Orders)(nil)

// Place implements tickets.Orders.
func (s *Orders) Place(ctx context.Context, r tickets.Request, o tickets.Order, e tickets.Event) (placed tickets.Order, err error) {
	err = s.db.run(ctx, "place order", string(o.ID), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) (err error) {
			placed, err = place(ctx, tx, r, o, e)
			return err
		})
	})
	return placed, err
}

func place(ctx context.Context, tx pgx.Tx, r tickets.Request, o tickets.Order, e tickets.Event) (tickets.Order, error) {
	// One order of an account at a time, else two could each see room for both.
	g, moved := o.Grant, false
	locks := &pgx.Batch{}
	locks.Queue(`SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 3))`, g.Event) // see begin in moves.go
	locks.Queue(`SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 1))`, g.Event, g.Account)
	locks.Queue(movedFrom, g.Event, e.Venue).QueryRow(func(row pgx.Row) error { return row.Scan(&moved) })
	if err := tx.SendBatch(ctx, locks).Close(); err != nil {
		return o, err
	}
	first, err := remember(ctx, tx, r, []byte(o.ID))
	if err != nil {
		return o, err
	}
	if string(first) != string(o.ID) {
		return order(ctx, tx, tickets.OrderID(first))
	}
	if moved {
		return o, tickets.ErrMoving
	}
	if err := limit(ctx, tx, o, e.PerAccount); err != nil {
		return o, err
	}
	if o.Voucher != "" {
		done, err := tx.Exec(ctx, `UPDATE vouchers SET used = used + 1 WHERE event = $1 AND code = $2 AND used < uses AND ends > now()`, g.Event, o.Voucher)
		if err != nil {
			return o, err
		}
		if done.RowsAffected() == 0 {
			return o, &tickets.Invalid{Field: "voucher", Reason: "is used up or over"}
		}
	}
	o.Version = 1
	o.Placed = o.Placed.UTC().Truncate(time.Microsecond) // as it is stored
	_, err = tx.Exec(ctx, `
		INSERT INTO orders (id, event, account, hold, held_for, token, until, voucher, total, currency, source, payment, state, reason, version, placed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		o.ID, g.Event, g.Account, g.Hold, g.For, g.Token, g.Until, o.Voucher, o.Total, o.Currency, o.Source, o.Payment, o.State, o.Reason, o.Version, o.Placed)
	if violates(err, "one_order") {
		return o, tickets.ErrOrdered
	}
	if err != nil {
		return o, err
	}
	batch := &pgx.Batch{}
	for i, line := range o.Lines {
		batch.Queue(`INSERT INTO order_lines (order_id, seat, n, tier, price) VALUES ($1, $2, $3, $4, $5)`, o.ID, line.Seat, i, line.Tier, line.Price)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return o, err
	}
	return o, announce(ctx, tx, o)
}

// limit returns an *OverLimit when the order would give its account too many
// tickets.
func limit(ctx context.Context, tx pgx.Tx, o tickets.Order, atMost int) error {
	var has int
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM orders JOIN order_lines ON order_id = id
		WHERE event = $1 AND account = $2 AND state <> $3 AND NOT refunded`, o.Grant.Event, o.Grant.Account, tickets.Cancelled).Scan(&has)
	if err == nil && has+len(o.Lines) > atMost {
		return &tickets.OverLimit{Limit: atMost, Has: has}
	}
	return err
}

// selectOrders reads orders whole.
const selectOrders = `
	SELECT id, event, account, hold, held_for, token, until, voucher, total, currency, source, payment, state, reason, version, placed, lines
	FROM orders, LATERAL (
		SELECT json_agg(json_build_object('Seat', seat, 'Tier', tier, 'Price', price, 'Returning', back, 'Refunded', refunded) ORDER BY n) AS lines
		FROM order_lines WHERE order_id = id) AS l
	WHERE `

// scanned scans a row of selectOrders, and what is selected besides.
func scanned(row pgx.CollectableRow, more ...any) (o tickets.Order, err error) {
	g := &o.Grant
	err = row.Scan(append([]any{&o.ID, &g.Event, &g.Account, &g.Hold, &g.For, &g.Token, &g.Until, &o.Voucher, &o.Total, &o.Currency,
		&o.Source, &o.Payment, &o.State, &o.Reason, &o.Version, &o.Placed, &o.Lines}, more...)...)
	for _, line := range o.Lines {
		g.Seats = append(g.Seats, line.Seat)
	}
	o.Placed, g.Until = o.Placed.UTC(), g.Until.UTC()
	return o, err
}

// order reads one.
func order(ctx context.Context, in rower, id tickets.OrderID) (tickets.Order, error) {
	rows, err := in.Query(ctx, selectOrders+`id = $1`, id)
	if err != nil {
		return tickets.Order{}, err
	}
	o, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (tickets.Order, error) { return scanned(row) })
	return o, known(err, "order", id)
}

// Order implements tickets.Orders.
func (s *Orders) Order(ctx context.Context, id tickets.OrderID) (o tickets.Order, err error) {
	err = s.db.run(ctx, "read order", string(id), func(ctx context.Context) error {
		o, err = order(ctx, s.db.pool, id)
		return err
	})
	return o, err
}

// OfAccount implements tickets.Orders.
func (s *Orders) OfAccount(ctx context.Context, account tickets.Account) ([]tickets.Order, error) {
	return s.list(ctx, string(account), `account = $1 ORDER BY placed DESC LIMIT 200`, account)
}

// OfEvent implements tickets.Orders.
func (s *Orders) OfEvent(ctx context.Context, event tickets.EventID, before time.Time, atMost int) ([]tickets.Order, error) {
	return s.list(ctx, string(event), `event = $1 AND placed < $2 ORDER BY placed DESC FETCH FIRST $3 ROWS WITH TIES`, event, before, atMost)
}

func (s *Orders) list(ctx context.Context, of, where string, args ...any) (orders []tickets.Order, err error) {
	err = s.db.run(ctx, "list the orders of", of, func(ctx context.Context) error {
		rows, err := s.db.pool.Query(ctx, selectOrders+where, args...)
		if err != nil {
			return err
		}
		orders, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (tickets.Order, error) { return scanned(row) })
		return err
	})
	return orders, err
}

// Figures implements tickets.Orders.
func (s *Orders) Figures(ctx context.Context, event tickets.EventID) (f tickets.Figures, err error) {
	err = s.db.run(ctx, "add up the orders of", string(event), func(ctx context.Context) error {
		return s.db.pool.QueryRow(ctx, `
			WITH lines AS (
				SELECT id, price, back OR refunded AS given, serial IS NOT NULL OR state = 'captured' AS sold,
					state IN ('placed', 'authorised', 'confirmed') AS underway
				FROM orders JOIN order_lines l ON l.order_id = id
				LEFT JOIN tickets t ON t.order_id = id AND t.seat = l.seat AND revoked IS NULL
				WHERE orders.event = $1)
			SELECT count(DISTINCT id), count(*) FILTER (WHERE sold), count(*) FILTER (WHERE underway),
				count(*) FILTER (WHERE given), coalesce(sum(price) FILTER (WHERE sold), 0), coalesce(sum(price) FILTER (WHERE given), 0),
				(SELECT count(*) FROM tickets WHERE event = $1 AND issued > now() - interval '1 minute')
			FROM lines`, event).Scan(&f.Orders, &f.Sold, &f.OnTheWay, &f.Refunded, &f.Revenue, &f.Refunds, &f.LastMinute)
	})
	return f, err
}

// Refund implements tickets.Orders.
func (s *Orders) Refund(ctx context.Context, r tickets.Request, id tickets.OrderID, seats []tickets.SeatID) (o tickets.Order, err error) {
	err = s.db.run(ctx, "refund order", string(id), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) (err error) {
			o, err = beginRefund(ctx, tx, r, id, seats)
			return err
		})
	})
	return o, err
}

func beginRefund(ctx context.Context, tx pgx.Tx, r tickets.Request, id tickets.OrderID, seats []tickets.SeatID) (tickets.Order, error) {
	if _, err := tx.Exec(ctx, `SELECT FROM orders WHERE id = $1 FOR UPDATE`, id); err != nil {
		return tickets.Order{}, err
	}
	o, err := order(ctx, tx, id)
	if err != nil {
		return o, err
	}
	before, found, err := answered(ctx, tx, r)
	if err != nil || found && string(before) == string(id) {
		return o, err
	}
	if o, err = o.Return(seats); err != nil {
		return o, err
	}
	o.Version++
	if _, err := remember(ctx, tx, r, []byte(id)); err != nil {
		return o, err
	}
	returning := returningOf(o)
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE orders SET state = $2, version = $3, due = now(), tries = 0, leased = '-infinity' WHERE id = $1`, id, o.State, o.Version)
	batch.Queue(`UPDATE order_lines SET back = true WHERE order_id = $1 AND seat = ANY($2)`, id, returning)
	inside := 0
	batch.Queue(`UPDATE tickets SET revoked = now() WHERE order_id = $1 AND seat = ANY($2) AND revoked IS NULL RETURNING checked_in IS NOT NULL`, id, returning).
		Query(func(rows pgx.Rows) error {
			in, err := pgx.CollectRows(rows, pgx.RowTo[bool])
			for _, checkedIn := range in {
				if checkedIn {
					inside++
				}
			}
			return err
		})
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return o, err
	}
	if inside > 0 {
		return o, &tickets.Invalid{Field: "seats", Reason: fmt.Sprintf("%d of them have let somebody in", inside)}
	}
	return o, announce(ctx, tx, o)
}

func returningOf(o tickets.Order) (seats []tickets.SeatID) {
	for _, line := range o.Lines {
		if line.Returning {
			seats = append(seats, line.Seat)
		}
	}
	return seats
}

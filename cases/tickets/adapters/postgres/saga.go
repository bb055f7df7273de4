package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/saga"
)

// Saga is the saga.Store, its Inbox, Outbox and Mailbox.
type Saga struct{ db *DB }

// Saga returns the store of orders on their way.
func (db *DB) Saga() *Saga { return &Saga{db} }

var (
	_ saga.Store   = (*Saga)(nil)
	_ saga.Inbox   = (*Saga)(nil)
	_ saga.Outbox  = (*Saga)(nil)
	_ saga.Mailbox = (*Saga)(nil)
)

// leased are the orders, whole, that the query ours has leased.
const leased = `
	SELECT id, event, account, hold, held_for, token, until, voucher, total, currency, source, payment, state, reason, version, placed, lines,
		lease, tries, woken, told
	FROM ours, LATERAL (
		SELECT json_agg(json_build_object('Seat', seat, 'Tier', tier, 'Price', price, 'Returning', back, 'Refunded', refunded) ORDER BY n) AS lines
		FROM order_lines WHERE order_id = id) AS l
	LEFT JOIN LATERAL (
		SELECT body AS told FROM payments WHERE order_id = id AND ours.payment IN ('', payments.payment) ORDER BY payments.version DESC LIMIT 1) AS p ON true`

func jobs(ctx context.Context, in rower, query string, args ...any) ([]saga.Job, error) {
	rows, err := in.Query(ctx, query+leased, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (j saga.Job, err error) {
		j.Order, err = scanned(row, &j.Lease, &j.Tries, &j.Woken, &j.Told)
		return j, err
	})
}

// Lease implements saga.Store.
func (s *Saga) Lease(ctx context.Context, n int, d time.Duration) (leased []saga.Job, err error) {
	err = s.db.run(ctx, "lease", "orders that are due", func(ctx context.Context) error {
		leased, err = jobs(ctx, s.db.pool, `
			WITH ours AS (
				UPDATE orders SET lease = nextval('leases'), leased = now() + $2::interval
				WHERE id IN (SELECT id FROM orders WHERE due <= now() AND leased <= now() ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED)
				RETURNING *)`, n, d)
		return err
	})
	return leased, err
}

// Take implements saga.Store.
func (s *Saga) Take(ctx context.Context, id tickets.OrderID, version int64, d time.Duration) (j saga.Job, err error) {
	err = s.db.run(ctx, "lease order", string(id), func(ctx context.Context) error {
		taken, err := jobs(ctx, s.db.pool, `
			WITH ours AS (
				UPDATE orders SET lease = nextval('leases'), leased = now() + $3::interval
				WHERE id = $1 AND version = $2 AND leased <= now() RETURNING *)`, id, version, d)
		if err == nil && len(taken) == 0 {
			err = saga.ErrOvertaken
		}
		if err == nil {
			j = taken[0]
		}
		return err
	})
	return j, err
}

// Write implements saga.Store.
func (s *Saga) Write(ctx context.Context, j saga.Job, o tickets.Order, keep, next time.Duration) (saga.Job, error) {
	o.Version = j.Order.Version + 1
	err := s.db.run(ctx, "move order", string(o.ID), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) error {
			if err := s.move(ctx, tx, j, o, keep, next); err != nil {
				return err
			}
			return announce(ctx, tx, o)
		})
	})
	if err != nil {
		return j, err
	}
	j.Order, j.Tries = o, 0
	return j, nil
}

func (s *Saga) move(ctx context.Context, tx pgx.Tx, j saga.Job, o tickets.Order, keep, next time.Duration) error {
	g := o.Grant
	done, err := tx.Exec(ctx, `
		UPDATE orders SET hold = $4, held_for = $5, token = $6, until = $7, payment = $8, state = $9, reason = $10, version = version + 1,
			leased = now() + $11::interval, tries = 0, trouble = '',
			due = CASE WHEN $13 THEN 'infinity' WHEN woken > $14 THEN now() ELSE now() + $12::interval END
		WHERE id = $1 AND version = $2 AND lease = $3`,
		o.ID, j.Order.Version, j.Lease, g.Hold, g.For, g.Token, g.Until, o.Payment, o.State, o.Reason, keep, next, saga.Over(o.State), j.Woken)
	if err != nil {
		return err
	}
	if done.RowsAffected() == 0 {
		return saga.ErrOvertaken
	}
	batch := &pgx.Batch{}
	switch {
	case o.State == tickets.Ticketed:
		for _, line := range o.Lines {
			batch.Queue(`INSERT INTO tickets (serial, event, seat, order_id, account) VALUES ($1, $2, $3, $4, $5)`,
				rand.Text(), g.Event, line.Seat, o.ID, g.Account)
		}
	case o.State == tickets.Cancelled && o.Voucher != "":
		batch.Queue(`UPDATE vouchers SET used = used - 1 WHERE event = $1 AND code = $2`, g.Event, o.Voucher)
	}
	if j.Order.State == tickets.Releasing {
		batch.Queue(`UPDATE order_lines SET back = false, refunded = true WHERE order_id = $1 AND back`, o.ID)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// announce writes the event of an order's change into the outbox.
func announce(ctx context.Context, tx pgx.Tx, o tickets.Order) error {
	body, err := json.Marshal(saga.EventOf(o))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO outbox (order_id, body) VALUES ($1, $2)`, o.ID, body)
	return err
}

// Postpone implements saga.Store.
func (s *Saga) Postpone(ctx context.Context, j saga.Job, d time.Duration, why string) error {
	return s.db.run(ctx, "postpone order", string(j.Order.ID), func(ctx context.Context) error {
		done, err := s.db.pool.Exec(ctx, `
			UPDATE orders SET leased = '-infinity', tries = $5 + 1, trouble = $6, due = CASE WHEN woken > $7 THEN now() ELSE now() + $4::interval END
			WHERE id = $1 AND version = $2 AND lease = $3`, j.Order.ID, j.Order.Version, j.Lease, d, j.Tries, why, j.Woken)
		if err == nil && done.RowsAffected() == 0 {
			err = saga.ErrOvertaken
		}
		return err
	})
}

// Notice implements saga.Inbox.
func (s *Saga) Notice(ctx context.Context, n payments.Notice) error {
	return s.db.run(ctx, "keep notice", n.ID, func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) error {
			done, err := tx.Exec(ctx, `INSERT INTO notices (id) VALUES ($1) ON CONFLICT DO NOTHING`, n.ID)
			if err != nil || done.RowsAffected() == 0 {
				return err
			}
			p := n.Payment
			body, err := json.Marshal(p)
			if err != nil {
				return err
			}
			done, err = tx.Exec(ctx, `
				INSERT INTO payments (order_id, payment, version, body) VALUES ($1, $2, $3, $4)
				ON CONFLICT (order_id, payment) DO UPDATE SET version = excluded.version, body = excluded.body WHERE payments.version < excluded.version`,
				p.Order, p.ID, p.Version, body)
			if err != nil || done.RowsAffected() == 0 {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE orders SET woken = woken + 1, due = least(due, now()) WHERE id = $1 AND due < 'infinity'`, p.Order)
			return err
		})
	})
}

// Send implements saga.Outbox. The transaction is open while the log takes the
// events, so that its lock keeps out other senders for just as long.
func (s *Saga) Send(ctx context.Context, n int, to saga.Log) (sent int, err error) {
	var refused error // by the log, in its own words
	err = s.db.run(ctx, "send", "events", func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, s.db.pool, func(tx pgx.Tx) error {
			var ours bool
			if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema(), 2))`).Scan(&ours); err != nil || !ours {
				return err
			}
			rows, err := tx.Query(ctx, `SELECT id, at, body FROM outbox WHERE sent IS NULL ORDER BY id LIMIT $1`, n)
			if err != nil {
				return err
			}
			events, err := collect(rows)
			if err != nil || len(events) == 0 {
				return err
			}
			if refused = to.Append(ctx, events); refused != nil {
				return refused
			}
			sent = len(events)
			ids := make([]int64, len(events))
			for i, e := range events {
				ids[i] = e.ID
			}
			_, err = tx.Exec(ctx, `UPDATE outbox SET sent = now() WHERE id = ANY($1)`, ids)
			return err
		})
	})
	if refused != nil {
		return 0, refused
	}
	return sent, err
}

// collect reads rows of the outbox: id, at, body.
func collect(rows pgx.Rows) ([]saga.Event, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e saga.Event, err error) {
		var id int64
		var at time.Time
		err = row.Scan(&id, &at, &e)
		e.ID, e.At = id, at.UTC()
		return e, err
	})
}

// Tell implements saga.Mailbox.
func (s *Saga) Tell(ctx context.Context, e saga.Event, m tickets.Message) error {
	return s.db.run(ctx, "tell the fan of", string(e.Order), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO messages (order_id, version, account, subject, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				e.Order, e.Version, e.Account, m.Subject, m.Text)
			if err != nil {
				return err
			}
			done, err := tx.Exec(ctx, `UPDATE orders SET state = $3, version = version + 1 WHERE id = $1 AND state = $2 AND version = $4`,
				e.Order, tickets.Ticketed, tickets.Done, e.Version)
			if err != nil || done.RowsAffected() == 0 {
				return err
			}
			o, err := order(ctx, tx, e.Order)
			if err != nil {
				return err
			}
			return announce(ctx, tx, o)
		})
	})
}

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
	"designkits/cases/tickets/saga"
)

var _ saga.Cellar = (*Saga)(nil)

// How long what nobody asks for any more is kept. The provider sends a notice
// again for three days.
const (
	noticesKept = 7 * 24 * time.Hour
	eventsKept  = 30 * 24 * time.Hour
)

// Forget implements saga.Cellar.
func (s *Saga) Forget(ctx context.Context) error {
	return s.db.run(ctx, "forget", "what is old", func(ctx context.Context) error {
		batch := &pgx.Batch{}
		batch.Queue(`DELETE FROM keys WHERE at < now() - $1::interval`, tickets.KeptFor)
		batch.Queue(`DELETE FROM notices WHERE at < now() - $1::interval`, noticesKept)
		batch.Queue(`DELETE FROM outbox WHERE sent < now() - $1::interval`, eventsKept)
		return s.db.pool.SendBatch(ctx, batch).Close()
	})
}

// Strays implements saga.Cellar.
func (s *Saga) Strays(ctx context.Context) (strays []saga.Stray, err error) {
	err = s.db.run(ctx, "look for", "stray sales", func(ctx context.Context) error {
		rows, err := s.db.pool.Query(ctx, `
			SELECT sales.event, order_id, array_agg(seat) FROM sales JOIN orders ON id = order_id
			WHERE refunded_at IS NULL AND state = ANY($1)
			AND NOT EXISTS (SELECT FROM tickets t WHERE t.order_id = id AND t.seat = sales.seat AND revoked IS NULL)
			GROUP BY 1, 2`, []tickets.OrderState{tickets.Done, tickets.Cancelled, tickets.Refunded})
		if err != nil {
			return err
		}
		strays, err = pgx.CollectRows(rows, pgx.RowToStructByPos[saga.Stray])
		return err
	})
	return strays, err
}

// Log returns up to n events of an event's orders, those that follow the one of
// an id, for the audit: while orders are under way one may yet come in between.
func (s *Saga) Log(ctx context.Context, event tickets.EventID, after int64, n int) (events []saga.Event, err error) {
	err = s.db.run(ctx, "read the log of", string(event), func(ctx context.Context) error {
		rows, err := s.db.pool.Query(ctx, `SELECT id, at, body FROM outbox WHERE id > $1 AND body->>'event' = $2 ORDER BY id LIMIT $3`, after, event, n)
		if err == nil {
			events, err = collect(rows)
		}
		return err
	})
	return events, err
}

// InTrouble is how many orders wait because their step has failed.
func (s *Saga) InTrouble(ctx context.Context) (n int, err error) {
	err = s.db.run(ctx, "count", "orders in trouble", func(ctx context.Context) error {
		return s.db.pool.QueryRow(ctx, `SELECT count(*) FROM orders WHERE due < 'infinity' AND trouble <> ''`).Scan(&n)
	})
	return n, err
}

// Unsent is how many events wait in the outbox.
func (s *Saga) Unsent(ctx context.Context) (n int, err error) {
	err = s.db.run(ctx, "count", "events that wait", func(ctx context.Context) error {
		return s.db.pool.QueryRow(ctx, `SELECT count(*) FROM outbox WHERE sent IS NULL`).Scan(&n)
	})
	return n, err
}

package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
	"designkits/cases/tickets/move"
	"designkits/cases/tickets/saga"
)

// reseat writes what a move changes: first everybody is nowhere, then each where
// the change says. Its statements go over the line together, and none of them
// waits for an order or a ticket, since the transaction has locked all.
func reseat(ctx context.Context, tx pgx.Tx, m move.Move, seats []tickets.SeatID, changes []move.Change) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE tickets SET revoked = now() WHERE event = $1 AND revoked IS NULL`, m.Event)
	for _, c := range changes {
		c.Order.Version++
		if c.Now == nil {
			refundForMove(batch, c.Order)
		} else {
			seatAnew(batch, c)
		}
		event := saga.EventOf(c.Order)
		event.Was = c.Was
		body, err := json.Marshal(event)
		if err != nil {
			return err
		}
		batch.Queue(`INSERT INTO outbox (order_id, body) VALUES ($1, $2)`, c.Order.ID, body)
	}
	prices, err := json.Marshal(m.Prices)
	if err != nil {
		return err
	}
	batch.Queue(`UPDATE events SET body = body || jsonb_build_object('Venue', $2::text, 'Prices', $3::jsonb) WHERE event = $1`, m.Event, m.To, prices)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return rowsOfSeats(ctx, tx, m.Event, seats)
}

// refundForMove begins the refund of an order that can't be seated; what follows,
// a worker does. The seats that it had stay sold to it until the money is back.
func refundForMove(batch *pgx.Batch, o tickets.Order) {
	batch.Queue(`UPDATE orders SET state = $2, reason = $3, version = $4, due = now(), tries = 0, leased = '-infinity' WHERE id = $1`,
		o.ID, o.State, o.Reason, o.Version)
	batch.Queue(`UPDATE order_lines SET back = true WHERE order_id = $1 AND NOT refunded`, o.ID)
}

// seatAnew ends the sales of an order and makes others, at the same price, and
// with the token of its grant: whoever claims a seat later has a higher one.
func seatAnew(batch *pgx.Batch, c move.Change) {
	o := c.Order
	batch.Queue(`UPDATE orders SET version = $2 WHERE id = $1`, o.ID, o.Version)
	batch.Queue(`
		UPDATE order_lines SET seat = new.seat FROM unnest($2::text[], $3::text[]) AS new (was, seat)
		WHERE order_id = $1 AND order_lines.seat = new.was`, o.ID, c.Was, c.Now)
	batch.Queue(`UPDATE sales SET refunded_at = now() WHERE order_id = $1 AND refunded_at IS NULL`, o.ID)
	batch.Queue(`INSERT INTO sales (event, seat, order_id, account, token) SELECT $1, unnest($2::text[]), $3, $4, $5`,
		o.Grant.Event, c.Now, o.ID, o.Grant.Account, o.Grant.Token)
	serials := make([]string, len(c.Now))
	for i := range serials {
		serials[i] = rand.Text()
	}
	batch.Queue(`INSERT INTO tickets (serial, event, seat, order_id, account) SELECT unnest($1::text[]), $2, unnest($3::text[]), $4, $5`,
		serials, o.Grant.Event, c.Now, o.ID, o.Grant.Account)
}

// rowsOfSeats makes the rows of table seats anew where the claims go by it.
func rowsOfSeats(ctx context.Context, tx pgx.Tx, event tickets.EventID, seats []tickets.SeatID) error {
	done, err := tx.Exec(ctx, `DELETE FROM seats WHERE event = $1`, event)
	if err != nil || done.RowsAffected() == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO seats (event, seat, hold, account, token, until)
		SELECT $1, s.seat, coalesce(hold, ''), coalesce(sales.account, ''), coalesce(sales.token, 0), CASE WHEN sales.seat IS NULL THEN '-infinity' ELSE 'infinity'::timestamptz END
		FROM unnest($2::text[]) AS s (seat)
		LEFT JOIN sales ON sales.event = $1 AND sales.seat = s.seat AND refunded_at IS NULL
		LEFT JOIN orders ON id = order_id`, event, seats)
	return err
}

package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
)

// Events is the tickets.Events: tables events and vouchers.
type Events struct{ db *DB }

// Events returns what is on sale.
func (db *DB) Events() *Events { return &Events{db} }

var _ tickets.Events = (*Events)(nil)

// Event implements tickets.Events.
func (s *Events) Event(ctx context.Context, id tickets.EventID) (e tickets.Event, err error) {
	err = s.db.run(ctx, "read event", string(id), func(ctx context.Context) error {
		return known(s.db.pool.QueryRow(ctx, selectEvents+` WHERE event = $1`, id).Scan(&e, &e.Moving), "event", id)
	})
	return e, err
}

// selectEvents reads events, each with where it is moving.
const selectEvents = `SELECT body, coalesce((SELECT "to" FROM moves WHERE moves.event = events.event AND ended IS NULL), '') FROM events`

// known turns the error of a row that isn't there into ErrUnknown.
func known[ID ~string](err error, what string, id ID) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("%s %q: %w", what, id, tickets.ErrUnknown)
	}
	return err
}

// List implements tickets.Events.
func (s *Events) List(ctx context.Context) (events []tickets.Event, err error) {
	err = s.db.run(ctx, "list", "events", func(ctx context.Context) error {
		rows, err := s.db.pool.Query(ctx, selectEvents+` ORDER BY starts, event`)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e tickets.Event, err error) {
			err = row.Scan(&e, &e.Moving)
			return e, err
		})
		return err
	})
	return events, err
}

// Put implements tickets.Events.
func (s *Events) Put(ctx context.Context, e tickets.Event) error {
	done, err := s.insert(ctx, e, `DO UPDATE SET starts = excluded.starts, body = excluded.body
		WHERE events.body->>'Venue' = excluded.body->>'Venue' OR NOT EXISTS (SELECT FROM orders WHERE orders.event = excluded.event)`)
	if err == nil && !done {
		err = &tickets.Invalid{Field: "venue", Reason: "there are orders of this event: move it, so that everybody is seated anew"}
	}
	return err
}

// Add implements tickets.Events.
func (s *Events) Add(ctx context.Context, e tickets.Event) (bool, error) {
	return s.insert(ctx, e, `DO NOTHING`)
}

func (s *Events) insert(ctx context.Context, e tickets.Event, otherwise string) (changed bool, err error) {
	err = s.db.run(ctx, "store event", string(e.ID), func(ctx context.Context) error {
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		return s.db.transaction(ctx, func(tx pgx.Tx) error {
			if err := begin(ctx, tx, e.ID); err != nil {
				return err
			}
			done, err := tx.Exec(ctx, `INSERT INTO events (event, starts, body) VALUES ($1, $2, $3) ON CONFLICT (event) `+otherwise, e.ID, e.Starts, body)
			changed = done.RowsAffected() == 1
			return err
		})
	})
	return changed, err
}

// Voucher implements tickets.Events.
func (s *Events) Voucher(ctx context.Context, event tickets.EventID, code string) (tickets.Voucher, error) {
	v := tickets.Voucher{Event: event, Code: code}
	err := s.db.run(ctx, "read a voucher of", string(event), func(ctx context.Context) error {
		row := s.db.pool.QueryRow(ctx, `SELECT percent, uses, ends FROM vouchers WHERE event = $1 AND code = $2`, event, code)
		return known(row.Scan(&v.Percent, &v.Uses, &v.Until), "voucher", code)
	})
	return v, err
}

// PutVoucher implements tickets.Events.
func (s *Events) PutVoucher(ctx context.Context, v tickets.Voucher) error {
	return s.db.run(ctx, "store a voucher of", string(v.Event), func(ctx context.Context) error {
		_, err := s.db.pool.Exec(ctx, `
			INSERT INTO vouchers (event, code, percent, uses, ends) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (event, code) DO UPDATE SET percent = excluded.percent, uses = excluded.uses, ends = excluded.ends`,
			v.Event, v.Code, v.Percent, v.Uses, v.Until)
		return err
	})
}

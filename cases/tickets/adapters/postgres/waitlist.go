package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
)

// Waitlist is the tickets.Waitlist: table waitlist.
type Waitlist struct{ db *DB }

// Waitlist returns the lists of events that are sold out.
func (db *DB) Waitlist() *Waitlist { return &Waitlist{db} }

var _ tickets.Waitlist = (*Waitlist)(nil)

// Wait implements tickets.Waitlist.
func (s *Waitlist) Wait(ctx context.Context, event tickets.EventID, account tickets.Account, seats int) (place int, err error) {
	err = s.db.run(ctx, "wait for", string(event), func(ctx context.Context) error {
		var number int64
		err := s.db.pool.QueryRow(ctx, `
			INSERT INTO waitlist (event, account, seats) VALUES ($1, $2, $3)
			ON CONFLICT (event, account) DO UPDATE SET seats = excluded.seats RETURNING number`, event, account, seats).Scan(&number)
		if err != nil {
			return err
		}
		return s.db.pool.QueryRow(ctx, `SELECT count(*) FROM waitlist WHERE event = $1 AND number <= $2`, event, number).Scan(&place)
	})
	return place, err
}

// Standing implements tickets.Waitlist.
func (s *Waitlist) Standing(ctx context.Context, event tickets.EventID, account tickets.Account) (place, seats int, err error) {
	err = s.db.run(ctx, "look at the list of", string(event), func(ctx context.Context) error {
		err := s.db.pool.QueryRow(ctx, `
			SELECT seats, (SELECT count(*) FROM waitlist before WHERE before.event = mine.event AND before.number <= mine.number)
			FROM waitlist mine WHERE event = $1 AND account = $2`, event, account).Scan(&seats, &place)
		if errors.Is(err, pgx.ErrNoRows) {
			return tickets.ErrNotWaiting
		}
		return err
	})
	return place, seats, err
}

// Leave implements tickets.Waitlist.
func (s *Waitlist) Leave(ctx context.Context, event tickets.EventID, account tickets.Account) error {
	return s.db.run(ctx, "leave the list of", string(event), func(ctx context.Context) error {
		done, err := s.db.pool.Exec(ctx, `DELETE FROM waitlist WHERE event = $1 AND account = $2`, event, account)
		if err == nil && done.RowsAffected() == 0 {
			return tickets.ErrNotWaiting
		}
		return err
	})
}

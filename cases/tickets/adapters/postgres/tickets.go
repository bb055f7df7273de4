package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
)

// Tickets is the tickets.Tickets and, of table messages, the tickets.Messages.
type Tickets struct{ db *DB }

// Tickets returns what was issued.
func (db *DB) Tickets() *Tickets { return &Tickets{db} }

// Messages is the tickets.Messages.
type Messages struct{ db *DB }

// Messages returns what fans were told.
func (db *DB) Messages() *Messages { return &Messages{db} }

var (
	_ tickets.Tickets  = (*Tickets)(nil)
	_ tickets.Messages = (*Messages)(nil)
)

const selectTickets = `SELECT serial, event, seat, order_id, account, issued, revoked, checked_in, door FROM tickets WHERE `

// A ticketRow is a row of selectTickets.
type ticketRow struct {
	Serial             tickets.Serial
	Event              tickets.EventID
	Seat               tickets.SeatID
	Order              tickets.OrderID
	Account            tickets.Account
	Issued             time.Time
	Revoked, CheckedIn *time.Time
	Door               string
}

func (r ticketRow) ticket() tickets.Ticket {
	t := tickets.Ticket{Serial: r.Serial, Event: r.Event, Seat: r.Seat, Order: r.Order, Account: r.Account, Issued: r.Issued.UTC(), Door: r.Door}
	if r.Revoked != nil {
		t.Revoked = r.Revoked.UTC()
	}
	if r.CheckedIn != nil {
		t.CheckedIn = r.CheckedIn.UTC()
	}
	return t
}

func selected(ctx context.Context, in rower, query string, args ...any) (all []tickets.Ticket, err error) {
	rows, err := in.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (tickets.Ticket, error) {
		r, err := pgx.RowToStructByPos[ticketRow](row)
		return r.ticket(), err
	})
}

func one(all []tickets.Ticket, err error, s tickets.Serial) (tickets.Ticket, error) {
	switch {
	case err != nil:
		return tickets.Ticket{}, err
	case len(all) == 0:
		return tickets.Ticket{}, known(pgx.ErrNoRows, "ticket", s)
	}
	return all[0], nil
}

// Ticket implements tickets.Tickets.
func (s *Tickets) Ticket(ctx context.Context, serial tickets.Serial) (t tickets.Ticket, err error) {
	err = s.db.run(ctx, "read ticket", string(serial), func(ctx context.Context) error {
		all, err := selected(ctx, s.db.pool, selectTickets+`serial = $1`, serial)
		t, err = one(all, err, serial)
		return err
	})
	return t, err
}

// OfOrder implements tickets.Tickets.
func (s *Tickets) OfOrder(ctx context.Context, id tickets.OrderID) (all []tickets.Ticket, err error) {
	err = s.db.run(ctx, "read the tickets of", string(id), func(ctx context.Context) error {
		all, err = selected(ctx, s.db.pool, selectTickets+`order_id = $1 ORDER BY seat`, id)
		return err
	})
	return all, err
}

// CheckIn implements tickets.Tickets. The update waits for another scan of the
// ticket, and then sees that it is too late.
func (s *Tickets) CheckIn(ctx context.Context, serial tickets.Serial, door, scan string) (t tickets.Ticket, err error) {
	err = s.db.run(ctx, "check in ticket", string(serial), func(ctx context.Context) error {
		done, err := s.db.pool.Exec(ctx, `
			UPDATE tickets SET checked_in = now(), door = $2, scan = $3
			WHERE serial = $1 AND checked_in IS NULL AND revoked IS NULL`, serial, door, scan)
		if err != nil {
			return err
		}
		all, err := selected(ctx, s.db.pool, selectTickets+`serial = $1`, serial)
		if t, err = one(all, err, serial); err != nil || done.RowsAffected() == 1 {
			return err
		}
		if !t.Revoked.IsZero() {
			return tickets.ErrRevoked
		}
		var again bool
		if err := s.db.pool.QueryRow(ctx, `SELECT scan = $2 FROM tickets WHERE serial = $1`, serial, scan).Scan(&again); err != nil || again {
			return err
		}
		return &tickets.Used{At: t.CheckedIn, Door: t.Door}
	})
	return t, err
}

// OfAccount implements tickets.Messages.
func (s *Messages) OfAccount(ctx context.Context, account tickets.Account) (all []tickets.Message, err error) {
	err = s.db.run(ctx, "read the messages of", string(account), func(ctx context.Context) error {
		rows, err := s.db.pool.Query(ctx, `SELECT order_id, subject, body, at FROM messages WHERE account = $1 ORDER BY at DESC LIMIT 200`, account)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[tickets.Message])
		return err
	})
	return all, err
}

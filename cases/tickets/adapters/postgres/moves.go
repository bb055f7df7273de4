package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
	"designkits/cases/tickets/move"
)

// Moves is the move.Store: table moves, and everything that a move changes.
type Moves struct{ db *DB }

// Moves returns the moves of events.
func (db *DB) Moves() *Moves { return &Moves{db} }

var _ move.Store = (*Moves)(nil)

// moveWithin is how long the transaction of a move may take: that of a full
// stadium writes some hundred thousand rows.
const moveWithin = 2 * time.Minute

// begin keeps away, until the transaction ends, all who place orders of the event:
// they share this lock. Who waited for it sees what was written meanwhile.
func begin(ctx context.Context, tx pgx.Tx, event tickets.EventID) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 3))`, event)
	return err
}

// movedFrom asks whether an event is being moved, or isn't at the venue (any more).
const movedFrom = `SELECT EXISTS (SELECT FROM moves WHERE event = $1 AND ended IS NULL) OR EXISTS (SELECT FROM events WHERE event = $1 AND body->>'Venue' <> $2)`

const selectMoves = `SELECT id, event, "from", "to", prices, asked, ended, seated, refunded, reason FROM moves WHERE `

func moves(ctx context.Context, in rower, where string, args ...any) ([]move.Move, error) {
	rows, err := in.Query(ctx, selectMoves+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m move.Move, err error) {
		var ended *time.Time
		err = row.Scan(&m.ID, &m.Event, &m.From, &m.To, &m.Prices, &m.Asked, &ended, &m.Seated, &m.Refunded, &m.Reason)
		m.Asked = m.Asked.UTC()
		if ended != nil {
			m.Ended = ended.UTC()
		}
		return m, err
	})
}

// oneMove returns the first of those that are found, ErrUnknown when there is none.
func oneMove(ctx context.Context, in rower, event tickets.EventID, where string, args ...any) (move.Move, error) {
	found, err := moves(ctx, in, where, args...)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("a move of %q: %w", event, tickets.ErrUnknown)
	}
	if err != nil {
		return move.Move{}, err
	}
	return found[0], nil
}

// Last implements move.Store.
func (s *Moves) Last(ctx context.Context, event tickets.EventID) (m move.Move, err error) {
	err = s.db.run(ctx, "read the move of", string(event), func(ctx context.Context) error {
		m, err = oneMove(ctx, s.db.pool, event, `event = $1 ORDER BY n DESC LIMIT 1`, event)
		return err
	})
	return m, err
}

// Waiting implements move.Store.
func (s *Moves) Waiting(ctx context.Context) (waiting []move.Move, err error) {
	err = s.db.run(ctx, "look for", "moves", func(ctx context.Context) error {
		waiting, err = moves(ctx, s.db.pool, `ended IS NULL ORDER BY n`)
		return err
	})
	return waiting, err
}

// Ask implements move.Store.
func (s *Moves) Ask(ctx context.Context, r tickets.Request, m move.Move, seats []tickets.SeatID) (asked move.Move, err error) {
	err = s.db.run(ctx, "ask for the move of", string(m.Event), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) (err error) {
			asked, err = askMove(ctx, tx, r, m, seats)
			return err
		})
	})
	return asked, err
}

func askMove(ctx context.Context, tx pgx.Tx, r tickets.Request, m move.Move, seats []tickets.SeatID) (move.Move, error) {
	if err := begin(ctx, tx, m.Event); err != nil {
		return m, err
	}
	first, err := remember(ctx, tx, r, []byte(m.ID))
	if err != nil {
		return m, err
	}
	if string(first) != m.ID {
		return oneMove(ctx, tx, m.Event, `id = $1`, string(first))
	}
	var sold tickets.SeatID
	switch err := tx.QueryRow(ctx, `SELECT seat FROM sales WHERE event = $1 AND seat = ANY($2) LIMIT 1`, m.Event, seats).Scan(&sold); {
	case err == nil:
		return m, &tickets.Invalid{Field: "venue", Reason: fmt.Sprintf("its seat %s has the name of one that was sold for this event before: a ticket must mean one place", sold)}
	case !errors.Is(err, pgx.ErrNoRows):
		return m, err
	}
	in, err := inside(ctx, tx, m.Event)
	if err != nil {
		return m, err
	}
	if in {
		return m, &tickets.Invalid{Field: "venue", Reason: somebodyIsIn}
	}
	prices, err := json.Marshal(m.Prices)
	if err != nil {
		return m, err
	}
	done, err := tx.Exec(ctx, `INSERT INTO moves (id, event, "from", "to", prices) SELECT $1, event, body->>'Venue', $3, $4 FROM events WHERE event = $2`, m.ID, m.Event, m.To, prices)
	switch {
	case violates(err, "one_move"):
		return m, tickets.ErrMoving
	case err == nil && done.RowsAffected() == 0:
		return m, known(pgx.ErrNoRows, "event", m.Event)
	case err != nil:
		return m, err
	}
	return oneMove(ctx, tx, m.Event, `id = $1`, m.ID)
}

const somebodyIsIn = "somebody has come in with a ticket already"

// inside reports whether somebody has come in.
func inside(ctx context.Context, tx pgx.Tx, event tickets.EventID) (in bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM tickets WHERE event = $1 AND revoked IS NULL AND checked_in IS NOT NULL)`, event).Scan(&in)
	return in, err
}

// Do implements move.Store.
func (s *Moves) Do(ctx context.Context, m move.Move, seats []tickets.SeatID, plan func([]tickets.Order) ([]move.Change, error)) (move.Move, error) {
	err := s.db.within(ctx, moveWithin, "move event", string(m.Event), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) (err error) {
			m, err = doMove(ctx, tx, m, seats, plan)
			return err
		})
	})
	return m, err
}

func doMove(ctx context.Context, tx pgx.Tx, m move.Move, seats []tickets.SeatID, plan func([]tickets.Order) ([]move.Change, error)) (move.Move, error) {
	if err := begin(ctx, tx, m.Event); err != nil {
		return m, err
	}
	now, err := oneMove(ctx, tx, m.Event, `id = $1`, m.ID)
	if err != nil || !now.Ended.IsZero() {
		return now, err
	}
	// Who gives an order back meanwhile waits, and then finds its other seats; and so
	// does a door with its tickets.
	if _, err := tx.Exec(ctx, `SELECT FROM orders WHERE event = $1 ORDER BY id FOR UPDATE`, m.Event); err != nil {
		return m, err
	}
	if _, err := tx.Exec(ctx, `SELECT FROM tickets WHERE event = $1 AND revoked IS NULL ORDER BY serial FOR UPDATE`, m.Event); err != nil {
		return m, err
	}
	orders, err := ended(ctx, tx, m.Event)
	if err != nil {
		return m, err
	}
	in, err := inside(ctx, tx, m.Event)
	if err != nil {
		return m, err
	}
	if in {
		return endMove(ctx, tx, m, 0, 0, somebodyIsIn)
	}
	changes, err := plan(orders)
	if err != nil {
		return m, err
	}
	if err := reseat(ctx, tx, m, seats, changes); err != nil {
		return m, err
	}
	refunded := 0
	for _, c := range changes {
		if c.Now == nil {
			refunded++
		}
	}
	return endMove(ctx, tx, m, len(changes)-refunded, refunded, "")
}

// ended returns the event's orders, or ErrNotYet while one is on its way.
func ended(ctx context.Context, tx pgx.Tx, event tickets.EventID) ([]tickets.Order, error) {
	rows, err := tx.Query(ctx, selectOrders+`event = $1`, event)
	if err != nil {
		return nil, err
	}
	orders, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (tickets.Order, error) { return scanned(row) })
	for _, o := range orders {
		if !o.State.Ended() {
			return nil, move.ErrNotYet
		}
	}
	return orders, err
}

func endMove(ctx context.Context, tx pgx.Tx, m move.Move, seated, refunded int, reason string) (move.Move, error) {
	_, err := tx.Exec(ctx, `UPDATE moves SET ended = now(), seated = $2, refunded = $3, reason = $4 WHERE id = $1`, m.ID, seated, refunded, reason)
	if err != nil {
		return m, err
	}
	return oneMove(ctx, tx, m.Event, `id = $1`, m.ID)
}

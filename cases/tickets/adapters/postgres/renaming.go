package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
	"designkits/cases/tickets/move"
)

// Renaming moves an event as it is often done, and wrong: from now on it is in
// another hall, and nobody looks at what was sold. It is the control of an
// experiment.
type Renaming struct{ *Moves }

// Renaming returns the wrong moves.
func (db *DB) Renaming() Renaming { return Renaming{db.Moves()} }

// Ask changes the event's hall and nothing else.
func (s Renaming) Ask(ctx context.Context, _ tickets.Request, m move.Move, _ []tickets.SeatID) (move.Move, error) {
	prices, err := json.Marshal(m.Prices)
	if err != nil {
		return m, err
	}
	err = s.db.run(ctx, "rename the hall of", string(m.Event), func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, s.db.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `
				INSERT INTO moves (id, event, "from", "to", prices, ended) SELECT $1, event, body->>'Venue', $3, $4, now() FROM events WHERE event = $2`, m.ID, m.Event, m.To, prices)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE events SET body = body || jsonb_build_object('Venue', $2::text, 'Prices', $3::jsonb) WHERE event = $1`, m.Event, m.To, prices)
			if err != nil {
				return err
			}
			m, err = oneMove(ctx, tx, m.Event, `id = $1`, m.ID)
			return err
		})
	})
	return m, err
}

package postgres

import (
	"bytes"
	"context"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets"
)

// Keys is the tickets.Keys: table keys.
type Keys struct{ db *DB }

// Keys returns the memory of requests.
func (db *DB) Keys() *Keys { return &Keys{db} }

var _ tickets.Keys = (*Keys)(nil)

// Answer implements tickets.Keys.
func (s *Keys) Answer(ctx context.Context, r tickets.Request) (answer []byte, found bool, err error) {
	err = s.db.run(ctx, "look for a request of", string(r.Account), func(ctx context.Context) error {
		answer, found, err = answered(ctx, s.db.pool, r)
		return err
	})
	return answer, found, err
}

// Remember implements tickets.Keys.
func (s *Keys) Remember(ctx context.Context, r tickets.Request, answer []byte) (kept []byte, err error) {
	err = s.db.run(ctx, "remember a request of", string(r.Account), func(ctx context.Context) error {
		return s.db.transaction(ctx, func(tx pgx.Tx) (err error) {
			kept, err = remember(ctx, tx, r, answer)
			return err
		})
	})
	return kept, err
}

// remember keeps the answer, or returns the one that was kept before. It waits
// for another transaction that has begun with the same key.
func remember(ctx context.Context, tx pgx.Tx, r tickets.Request, answer []byte) ([]byte, error) {
	done, err := tx.Exec(ctx, `
		INSERT INTO keys (account, key, hash, answer) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, key) DO UPDATE SET hash = excluded.hash, answer = excluded.answer, at = excluded.at
		WHERE keys.at < now() - $5::interval`, r.Account, r.Key, r.Hash[:], answer, tickets.KeptFor)
	if err != nil || done.RowsAffected() == 1 {
		return answer, err
	}
	before, _, err := answered(ctx, tx, r)
	return before, err
}

func answered(ctx context.Context, in rower, r tickets.Request) (answer []byte, found bool, err error) {
	rows, err := in.Query(ctx, `SELECT hash, answer FROM keys WHERE account = $1 AND key = $2 AND at >= now() - $3::interval`,
		r.Account, r.Key, tickets.KeptFor)
	if err != nil {
		return nil, false, err
	}
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&hash, &answer}, func() error {
		found = true
		return nil
	})
	if err == nil && found && !bytes.Equal(hash, r.Hash[:]) {
		err = tickets.ErrKeyReused
	}
	return answer, found, err
}

// A rower is the pool or a transaction.
type rower interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Package postgres keeps in PostgreSQL what must not be lost: who holds a seat,
// where the database decides that, and who has bought it, always.
//
// Each namespace is a schema of its own. Every call ends with its context, and
// has a timeout of its own besides.
package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"designkits/cases/tickets"
	"designkits/cases/tickets/move"
	"designkits/cases/tickets/saga"
)

// Config says where PostgreSQL is and how patient to be.
type Config struct {
	Addr      string // "127.0.0.1:5432"
	Namespace string // the schema; made if there is none

	// Connections at most, default 16.
	Connections int32
	// Timeout ends an operation, default 2 s. Waiting for another's row lock counts.
	Timeout time.Duration
}

// A DB is a pool of connections to one schema. It may be used by many
// goroutines.
type DB struct {
	pool   *pgxpool.Pool
	config Config
}

//go:embed schema.sql
var schema string

// Open connects, makes what is missing, and returns when it can be used.
func Open(ctx context.Context, config Config) (*DB, error) {
	if config.Connections == 0 {
		config.Connections = 16
	}
	if config.Timeout == 0 {
		config.Timeout = 2 * time.Second
	}
	pool, err := pgxpool.ParseConfig("postgres://kit@" + config.Addr + "/kit?sslmode=disable")
	if err != nil {
		return nil, fmt.Errorf("postgres: address %q: %w", config.Addr, err)
	}
	pool.MaxConns = config.Connections
	pool.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{config.Namespace}.Sanitize()
	db := &DB{config: config}
	if db.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := db.migrate(ctx); err != nil {
		db.pool.Close()
		return nil, fmt.Errorf("postgres: connect to %s: %w; `kit status` tells whether it runs", config.Addr, err)
	}
	return db, nil
}

// migrate makes the schema, one process at a time: two that do so at once
// would collide in the catalogue. Where it was made before nothing is touched,
// since even an index that is there already would be locked for looking at it,
// and the process that starts would wait for those that work, or they for it.
// The schema's comment says of which schema.sql it was made.
func (db *DB) migrate(ctx context.Context) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext($1))`, db.config.Namespace); err != nil {
			return err
		}
		made := fmt.Sprintf("%x", sha256.Sum256([]byte(schema)))
		var before string
		err := tx.QueryRow(ctx, `SELECT coalesce(obj_description(oid), '') FROM pg_namespace WHERE nspname = $1`, db.config.Namespace).Scan(&before)
		if before == made || err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		name := pgx.Identifier{db.config.Namespace}.Sanitize()
		_, err = tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+name+`;`+schema+`; COMMENT ON SCHEMA `+name+` IS '`+made+`'`)
		return err
	})
}

// Close closes the connections.
func (db *DB) Close() { db.pool.Close() }

// Ping makes one round trip.
func (db *DB) Ping(ctx context.Context) error {
	return db.run(ctx, "ping", "", func(ctx context.Context) error { return db.pool.Ping(ctx) })
}

// AddSeats makes the rows of an event's seats; those that are there stay as
// they are.
func (db *DB) AddSeats(ctx context.Context, event tickets.EventID, seats []tickets.SeatID) error {
	return db.run(ctx, "add seats of", string(event), func(ctx context.Context) error {
		_, err := db.pool.Exec(ctx, `INSERT INTO seats (event, seat) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING`, event, seats)
		if err == nil { // or the first claims are planned for an empty table, and read all of it
			_, err = db.pool.Exec(ctx, `ANALYZE seats`)
		}
		return err
	})
}

// run gives an operation its deadline and its errors their words. Errors of the
// domain pass through as they are.
func (db *DB) run(ctx context.Context, operation, subject string, do func(context.Context) error) error {
	return db.within(ctx, db.config.Timeout, operation, subject, do)
}

func (db *DB) within(ctx context.Context, limit time.Duration, operation, subject string, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := do(bounded)
	switch {
	case err == nil, tickets.Expected(err), errors.Is(err, saga.ErrOvertaken), errors.Is(err, move.ErrNotYet):
		return err
	case bounded.Err() != nil && !errors.Is(err, bounded.Err()):
		err = fmt.Errorf("%w: %w", bounded.Err(), err)
	}
	return fmt.Errorf("postgres: %s %s: %w", operation, subject, err)
}

// transaction runs do in a transaction, and again when PostgreSQL has given it
// up for another's sake: a deadlock, or a serialization failure.
func (db *DB) transaction(ctx context.Context, do func(pgx.Tx) error) error {
	for {
		err := pgx.BeginFunc(ctx, db.pool, do)
		var failure *pgconn.PgError
		if errors.As(err, &failure) && (failure.Code == "40P01" || failure.Code == "40001") && ctx.Err() == nil {
			continue
		}
		return err
	}
}

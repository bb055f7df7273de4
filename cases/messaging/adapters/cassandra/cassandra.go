// Package cassandra keeps what the messenger must not lose in Apache Cassandra:
// the history of conversations, the inboxes of devices, rosters, receipts,
// accounts and prekeys. The tables, and the query that each serves, stand in
// schema.cql.
//
// Guarantees. With a replication factor of three and the default consistency
// levels everything holds while one replica is down. What must happen once (a
// name claimed, a device numbered, a prekey given away) is a lightweight
// transaction, decided by Paxos. All else, but a member's row who goes, is written
// without a read, so that the order and the number of the writes don't matter: each
// carries a timestamp that comes from what is written and not from a clock.
//
//	a message, an item      1, and 2 what takes it away for good
//	a change of a roster    the number of the message that made it
//	a receipt               the number that it says
//
// So of two writes the one that knows more wins, whichever comes last. By a clock
// go the index of inboxes, which needs be right to the hour only, and to whom a
// person is shown. Rows of transactions are never written plainly by the clock, but
// for the identity and the signed prekey of a device, which only that device writes.
//
// Not guaranteed: that what was taken away stays away when it is put again more
// than ten days later, when Cassandra has forgotten that it was (gc_grace_seconds).
// What repeats puts is the log after a crash, which goes back minutes.
package cassandra

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/gocql/gocql"

	"designkits/cases/messaging"
	"designkits/shared/cql"
	"designkits/shared/gather"
)

//go:embed schema.cql
var schema string

// Config says where Cassandra is and how careful to be.
type Config struct {
	cql.Config // but for the Schema, which is this package's

	// Timeout ends a plain operation, default 2 s; a lightweight transaction has
	// twice that, since Paxos may have to wait for others.
	Timeout time.Duration
	// Observe, when set, is told of every operation: its name, how long it took
	// and how it ended.
	Observe func(operation string, took time.Duration, err error)
	// Now tells the time, default time.Now. It decides only which parts of an
	// inbox are looked at, and must be right to the hour.
	Now func() time.Time
}

// A DB is a connection to one keyspace. It may be used by many goroutines.
type DB struct {
	session *gocql.Session
	config  Config
	writer  *writer
	devices *gather.Gatherer[*ownDevices]
	buckets *seen[bucket]
	parts   *seen[indexed]
}

// Open connects, creates the keyspace and the tables that are missing, and
// returns when they can be used, or with an error when the context ends.
func Open(ctx context.Context, config Config) (*DB, error) {
	config.Config = config.WithDefaults()
	config.Schema = schema
	if config.Timeout == 0 {
		config.Timeout = 2 * time.Second
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	session, err := cql.Open(ctx, config.Config)
	if err != nil {
		return nil, err
	}
	db := &DB{
		session: session, config: config, writer: newWriter(session),
		buckets: newSeen[bucket](), parts: newSeen[indexed](),
	}
	db.devices = newDevicesReader(db)
	return db, nil
}

// Close ends the connection. Calls in flight fail.
func (db *DB) Close() {
	db.writer.Close()
	db.devices.Close()
	db.session.Close()
}

// Ping makes one round trip, for a readiness check.
func (db *DB) Ping(ctx context.Context) error {
	return db.run(ctx, "ping", "system.local", func(ctx context.Context) error { return cql.Ping(ctx, db.session) })
}

// run carries a plain operation out.
func (db *DB) run(ctx context.Context, operation, subject string, do func(context.Context) error) error {
	return cql.Operations{Observe: db.config.Observe, Expected: expected}.Run(ctx, operation, subject, db.config.Timeout, do)
}

// decide carries out an operation that has a lightweight transaction in it.
func (db *DB) decide(ctx context.Context, operation, subject string, do func(context.Context) error) error {
	return cql.Operations{Observe: db.config.Observe, Expected: expected}.Run(ctx, operation, subject, 2*db.config.Timeout, do)
}

// read is a query that may be sent again, at the consistency of plain reads.
func (db *DB) read(ctx context.Context, statement string, values ...any) *gocql.Query {
	return db.session.Query(statement, values...).Idempotent(true).WithContext(ctx)
}

// expected tells the domain's errors, which pass through as they are.
func expected(err error) bool {
	for _, known := range []error{messaging.ErrNotFound, messaging.ErrTaken, messaging.ErrTooMany, messaging.ErrNotMember} {
		if errors.Is(err, known) {
			return true
		}
	}
	var invalid *messaging.Invalid
	return errors.As(err, &invalid)
}

// unset leaves an empty value out of a statement, where null would be a
// tombstone.
func unset[T any](empty bool, value T) any {
	if empty {
		return gocql.UnsetValue
	}
	return value
}

// checkLimit refuses pages that can't be.
func checkLimit(limit int) error {
	if limit < 1 {
		return &messaging.Invalid{Field: "limit", Reason: "a page has one or more"}
	}
	return nil
}

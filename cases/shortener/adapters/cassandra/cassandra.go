// Package cassandra keeps what the shortener must not lose in Apache Cassandra:
// links, the counter of codes, API keys, salts and the sums of clicks. The
// tables, and the query that each serves, stand in schema.cql.
//
// Guarantees. With a replication factor of three and the default consistency
// levels everything holds while one replica is down. What must happen once (an
// alias claimed, a range leased, a link changed) is a lightweight transaction,
// decided by Paxos; all else is written so that the order and the number of
// writes don't matter.
//
// Timestamps. Cassandra keeps the write with the higher timestamp, whoever was
// first. A lightweight transaction gets its own from Paxos, a little over the
// clock. A plain write to the same row with the clock of another machine that
// runs ahead would silently win over a later transaction. So this package never
// writes a row both ways by the clock: where a row has both, the plain write
// comes first by construction and carries the timestamp 1, under which every
// transaction wins, and which also makes repeating it harmless. The sums of
// clicks carry an offset as their timestamp (see stats.go). The driver's own
// timestamps are off.
//
// Not guaranteed: what an outage of all replicas loses. Cassandra syncs its
// commit log every ten seconds by default, so a power cut on a single node can
// take acknowledged writes with it, a leased range among them, and so can a
// kill -9, the last moments' (infra/backend/cassandra has it sync each batch).
// Production has three replicas, on three supplies.
package cassandra

import (
	"context"
	_ "embed"
	"time"

	"github.com/gocql/gocql"

	"designkits/cases/shortener"
	"designkits/shared/cql"
	"designkits/shared/gather"
)

// Config says where Cassandra is and how careful to be.
type Config struct {
	Hosts    []string // "127.0.0.1:9042"
	Keyspace string   // created if there is none

	// ReplicationFactor is how many copies each row has, in each data centre;
	// it matters only when the keyspace is created. Default 1.
	ReplicationFactor int
	// Consistency of plain reads and writes, default LOCAL_QUORUM; and of the
	// Paxos rounds, default LOCAL_SERIAL. A shortener in two regions that each
	// claim aliases needs SERIAL, and pays a trip across for every claim.
	Consistency       gocql.Consistency
	SerialConsistency gocql.SerialConsistency
	// Discover lets the driver find the other nodes by asking the given ones
	// and connect to them directly. Off, it begins with Hosts alone and as they
	// are, which is right where one is the address of a proxy.
	Discover bool

	// Timeout ends a plain operation, default 2 s; a lightweight transaction has
	// twice that, since Paxos may have to wait for others.
	Timeout time.Duration
	// Grace is how long an expired link is still known, default
	// shortener.GracePeriod.
	Grace time.Duration
	// Observe, when set, is told of every operation: its name, how long it took
	// and how it ended.
	Observe func(operation string, took time.Duration, err error)
	// Now tells the time, default time.Now.
	Now func() time.Time
	// NextVersion is the version of a changed link, default one more than before.
	// Caches keep the higher one, so it must grow.
	NextVersion func(before int64) int64
}

// ParseConsistency returns the level of a name: "ONE", "LOCAL_QUORUM".
func ParseConsistency(name string) (gocql.Consistency, error) { return cql.ParseConsistency(name) }

func (c Config) withDefaults() Config {
	shared := c.cql().WithDefaults()
	c.Consistency, c.SerialConsistency = shared.Consistency, shared.SerialConsistency
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Grace == 0 {
		c.Grace = shortener.GracePeriod
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NextVersion == nil {
		c.NextVersion = func(before int64) int64 { return before + 1 }
	}
	return c
}

func (c Config) cql() cql.Config {
	return cql.Config{
		Hosts: c.Hosts, Keyspace: c.Keyspace, Schema: schema, ReplicationFactor: c.ReplicationFactor,
		Consistency: c.Consistency, SerialConsistency: c.SerialConsistency, Discover: c.Discover,
	}
}

//go:embed schema.cql
var schema string

// A DB is a connection to one keyspace. It may be used by many goroutines.
type DB struct {
	session *gocql.Session
	config  Config
	reads   *gather.Gatherer[*wanted]
	links   *gather.Gatherer[cql.Write]
	entries *gather.Gatherer[cql.Write] // of the index by owner
}

// Open connects, creates the keyspace and the tables that are missing, and
// returns when they can be used, or with an error when the context ends.
func Open(ctx context.Context, config Config) (*DB, error) {
	config = config.withDefaults()
	session, err := cql.Open(ctx, config.cql())
	if err != nil {
		return nil, err
	}
	// What many callers write goes together. Eight links of usual length are one batch,
	// whose rows Cassandra writes one after the other. Eight at a time: with more, a caller
	// mostly finds one that is free, and writes alone. An owner's entries become one
	// mutation; one by one, or in several batches, they would contend for its partition.
	write := func(ctx context.Context, writes []cql.Write) error { return cql.WriteAll(ctx, session, writes) }
	return &DB{
		session: session, config: config, reads: gatherReads(session, config.Consistency),
		links:   gather.New(gather.Config[cql.Write]{Lanes: 8, Max: 8, Send: write}),
		entries: gather.New(gather.Config[cql.Write]{Max: 64, Send: write}),
	}, nil
}

// Close ends the connection. Calls in flight fail.
func (db *DB) Close() {
	db.reads.Close()
	db.links.Close()
	db.entries.Close()
	db.session.Close()
}

// Ping makes one round trip, for a readiness check.
func (db *DB) Ping(ctx context.Context) error {
	return db.run(ctx, "ping", "system.local", db.config.Timeout, func(ctx context.Context) error { return cql.Ping(ctx, db.session) })
}

// run carries an operation out. Errors of the domain pass through as they are.
func (db *DB) run(ctx context.Context, operation, subject string, timeout time.Duration, do func(context.Context) error) error {
	return cql.Operations{Observe: db.config.Observe, Expected: shortener.Expected}.Run(ctx, operation, subject, timeout, do)
}

// What a conditional write takes, by short names.
var (
	conditional    = cql.Conditional
	outcomeUnknown = cql.OutcomeUnknown
	tryAgain       = cql.TryAgain
	pause          = cql.Pause
)

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
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"time"

	"github.com/gocql/gocql"

	"designkits/cases/shortener"
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
func ParseConsistency(name string) (gocql.Consistency, error) {
	var level gocql.Consistency
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return 0, fmt.Errorf("consistency %q: give ONE, QUORUM, LOCAL_QUORUM or another of Cassandra's levels", name)
	}
	return level, nil
}

func (c Config) withDefaults() Config {
	if c.ReplicationFactor == 0 {
		c.ReplicationFactor = 1
	}
	if c.Consistency == 0 {
		c.Consistency = gocql.LocalQuorum
	}
	if c.SerialConsistency == 0 {
		c.SerialConsistency = gocql.LocalSerial
	}
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

// A DB is a connection to one keyspace. It may be used by many goroutines.
type DB struct {
	session *gocql.Session
	config  Config
	reads   *gather.Gatherer[*wanted]
	writes  *gather.Gatherer[[]gocql.BatchEntry]
}

// Open connects, creates the keyspace and the tables that are missing, and
// returns when they can be used, or with an error when the context ends.
func Open(ctx context.Context, config Config) (*DB, error) {
	config = config.withDefaults()
	bare, err := connect(config, "")
	if err != nil {
		return nil, err
	}
	defer bare.Close()
	if err := createKeyspace(ctx, bare, config); err != nil {
		return nil, err
	}
	var session *gocql.Session
	err = untilKnown(ctx, func() (err error) {
		session, err = connect(config, config.Keyspace)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := createTables(ctx, session, config.Keyspace); err != nil {
		session.Close()
		return nil, err
	}
	return &DB{session: session, config: config, reads: gatherReads(session, config.Consistency), writes: gather.New(gather.Config[[]gocql.BatchEntry]{
		Lanes: 8, Max: 8, Send: writer(session),
	})}, nil
}

// writer writes what many callers have at once as one unlogged batch: one
// request, and one place in the commit log, in place of one for each. An owner's
// entries become one mutation; one by one they would contend for its partition.
//
// Such a batch makes its coordinator do the work of several, so it is kept
// small: eight callers of one owner are nine partitions, of the ten above which
// Cassandra warns. It isn't atomic and needn't be, since each write can be repeated.
func writer(session *gocql.Session) func(context.Context, [][]gocql.BatchEntry) error {
	return func(ctx context.Context, writes [][]gocql.BatchEntry) error {
		batch := session.NewBatch(gocql.UnloggedBatch).WithContext(ctx)
		for _, entries := range writes {
			batch.Entries = append(batch.Entries, entries...)
		}
		return session.ExecuteBatch(batch)
	}
}

func connect(config Config, keyspace string) (*gocql.Session, error) {
	cluster := gocql.NewCluster(config.Hosts...)
	// Where the driver looks at the ring again, after a lost connection, it takes
	// all nodes to listen on this port.
	if port, ok := portOf(config.Hosts); ok {
		cluster.Port = port
	}
	cluster.ProtoVersion = 4 // the driver's highest, and the first that can leave a value unset
	cluster.Keyspace = keyspace
	cluster.Consistency = config.Consistency
	cluster.SerialConsistency = config.SerialConsistency
	cluster.DefaultTimestamp = false // see the package comment
	cluster.DisableInitialHostLookup = !config.Discover
	cluster.Events.DisableNodeStatusEvents = !config.Discover
	cluster.Events.DisableTopologyEvents = !config.Discover
	// A context ends each call earlier; these are for what the driver does alone.
	// Creating a table takes seconds on a machine that is busy.
	cluster.Timeout = 15 * time.Second
	cluster.ConnectTimeout = 5 * time.Second
	// A node that events have called down is tried again every second, in case
	// the event of its return is lost; none is down without events.
	cluster.ReconnectInterval = time.Second
	cluster.ConvictionPolicy = neverDown{}
	if config.Discover {
		cluster.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	} else {
		cluster.PoolConfig.HostSelectionPolicy = &contactPoints{}
	}
	// What goes wrong is told by the calls and by Open. The driver would repeat it
	// for each node and each second, as text in between a process's own log.
	cluster.Logger = log.New(io.Discard, "", 0)
	session, err := cluster.CreateSession()
	if err != nil {
		return nil, fmt.Errorf("cassandra: connect to %v: %w; `kit status` tells whether it runs", config.Hosts, err)
	}
	return session, nil
}

// portOf returns the port of the first host that has one.
func portOf(hosts []string) (int, bool) {
	for _, host := range hosts {
		if _, port, err := net.SplitHostPort(host); err == nil {
			if n, err := strconv.ParseUint(port, 10, 16); err == nil {
				return int(n), true
			}
		}
	}
	return 0, false
}

// Close ends the connection. Calls in flight fail.
func (db *DB) Close() {
	db.reads.Close()
	db.writes.Close()
	db.session.Close()
}

// Ping makes one round trip, for a readiness check.
func (db *DB) Ping(ctx context.Context) error {
	return db.run(ctx, "ping", "system.local", db.config.Timeout, func(ctx context.Context) error {
		var key string
		return db.session.Query(`SELECT key FROM system.local`).WithContext(ctx).Scan(&key)
	})
}

// run gives an operation its deadline, its place in the metrics, and its
// errors their words. Errors of the domain pass through as they are.
func (db *DB) run(ctx context.Context, operation, subject string, timeout time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	err := do(ctx)
	if db.config.Observe != nil {
		db.config.Observe(operation, time.Since(start), err)
	}
	switch {
	case err == nil:
		return nil
	case shortener.Expected(err):
		return err
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		// The driver may report what the end of the context broke, not the end.
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, gocql.ErrNoConnections):
		err = fmt.Errorf("%w; `kit status` tells whether Cassandra runs", err)
	}
	return fmt.Errorf("cassandra: %s %s: %w", operation, subject, err)
}

// conditional makes a conditional write and tells whether it was applied. If it
// was not, held gets the columns that the refusal names. The driver's own call
// for this panics when it can't read the answer.
func conditional(ctx context.Context, query *gocql.Query, held map[string]any) (applied bool, err error) {
	// What columns the answer has can't be known when it is prepared.
	answer := query.WithContext(ctx).NoSkipMetadata().Iter()
	answer.MapScan(held)
	if err := answer.Close(); err != nil {
		return false, err
	}
	applied, ok := held["[applied]"].(bool)
	if !ok {
		return false, errors.New("the answer doesn't say whether the write was applied: not a conditional one")
	}
	delete(held, "[applied]")
	return applied, nil
}

// outcomeUnknown reports whether a conditional write that failed like this may
// have been applied all the same, now or later. A read at serial consistency
// settles it: it finishes or voids every round that was begun before.
func outcomeUnknown(err error) bool {
	var (
		write   *gocql.RequestErrWriteTimeout
		unknown *gocql.RequestErrCASWriteUnknown
		read    *gocql.RequestErrReadTimeout
		failed  *gocql.RequestErrWriteFailure
	)
	return errors.As(err, &write) || errors.As(err, &unknown) || errors.As(err, &read) || errors.As(err, &failed) ||
		errors.Is(err, gocql.ErrTimeoutNoResponse) || connectionLost(err)
}

// connectionLost reports whether the connection broke while a call waited.
func connectionLost(err error) bool {
	var network *net.OpError
	return errors.Is(err, gocql.ErrConnectionClosed) || errors.Is(err, io.EOF) || errors.As(err, &network)
}

// tryAgain reports whether a conditional write that can recognise its own
// earlier tries is worth another: when the outcome of this one is unknown, and
// after such a one also while the driver is still connecting again.
func tryAgain(err error, tries int) bool {
	return outcomeUnknown(err) || tries > 0 && errors.Is(err, gocql.ErrNoConnections)
}

// Package cql is what every case does to speak with Apache Cassandra: it
// connects, creates what is missing of a keyspace, gives each operation its
// deadline and its errors their words, and carries out conditional writes whose
// answer may be lost. The tables and the statements are the case's.
//
// Timestamps. Cassandra keeps the write with the higher timestamp, whoever was
// first. The driver's own, by the clock of this machine, are off: what must win
// says so in its statement (USING TIMESTAMP), and the rest gets the clock of the
// node that coordinates it.
package cql

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"time"

	"github.com/gocql/gocql"
)

// Config says where Cassandra is and how careful to be.
type Config struct {
	Hosts    []string // "127.0.0.1:9042"
	Keyspace string   // created if there is none
	Schema   string   // CREATE TABLE IF NOT EXISTS statements, each ended by ";" at the end of a line

	// ReplicationFactor is how many copies each row has, in each data centre;
	// it matters only when the keyspace is created. Default 1.
	ReplicationFactor int
	// Consistency of plain reads and writes, default LOCAL_QUORUM; and of the
	// Paxos rounds, default LOCAL_SERIAL.
	Consistency       gocql.Consistency
	SerialConsistency gocql.SerialConsistency
	// Discover lets the driver find the other nodes by asking the given ones
	// and connect to them directly. Off, it begins with Hosts alone and as they
	// are, which is right where one is the address of a proxy.
	Discover bool
}

// WithDefaults is the configuration with what was left out.
func (c Config) WithDefaults() Config {
	if c.ReplicationFactor == 0 {
		c.ReplicationFactor = 1
	}
	if c.Consistency == 0 {
		c.Consistency = gocql.LocalQuorum
	}
	if c.SerialConsistency == 0 {
		c.SerialConsistency = gocql.LocalSerial
	}
	return c
}

// ParseConsistency returns the level of a name: "ONE", "LOCAL_QUORUM".
func ParseConsistency(name string) (gocql.Consistency, error) {
	var level gocql.Consistency
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return 0, fmt.Errorf("consistency %q: give ONE, QUORUM, LOCAL_QUORUM or another of Cassandra's levels", name)
	}
	return level, nil
}

// Open connects, creates the keyspace and the tables that are missing, and
// returns when they can be used, or with an error when the context ends.
func Open(ctx context.Context, config Config) (*gocql.Session, error) {
	config = config.WithDefaults()
	var bare, session *gocql.Session
	err := untilAnswered(ctx, func() (err error) {
		bare, err = connect(config, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	defer bare.Close()
	if err := untilAnswered(ctx, func() error { return createKeyspace(ctx, bare, config) }); err != nil {
		return nil, err
	}
	err = untilAnswered(ctx, func() error {
		return untilKnown(ctx, func() (err error) {
			session, err = connect(config, config.Keyspace)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	if err := untilAnswered(ctx, func() error { return createTables(ctx, session, config) }); err != nil {
		session.Close()
		return nil, err
	}
	return session, nil
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
	// A request goes out at once. By default it waits 200 µs for others to share a
	// system call with, and the runtime's poller, which counts in milliseconds, makes
	// that one or more: a read that takes 0.24 ms took 1.6. With hundreds under way
	// an eighth fewer are answered; callers who come in crowds share requests anyway
	// (see package gather).
	cluster.WriteCoalesceWaitTime = 0
	// What goes wrong is told by the calls and by Open. The driver would repeat it
	// for each node and each second, as text in between a process's own log.
	cluster.Logger = log.New(io.Discard, "", 0)
	began := time.Now()
	session, err := cluster.CreateSession()
	if err != nil && time.Since(began) >= cluster.ConnectTimeout {
		// The driver's error has lost its type. A refusal would have come sooner.
		err = fmt.Errorf("%w: %w", gocql.ErrTimeoutNoResponse, err)
	}
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

package cql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/gocql/gocql"
)

// keyspaceName is what Cassandra takes without quotes.
var keyspaceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// createKeyspace creates the keyspace if there is none. NetworkTopologyStrategy
// places the replicas in every data centre that the cluster has.
func createKeyspace(ctx context.Context, session *gocql.Session, config Config) error {
	if !keyspaceName.MatchString(config.Keyspace) {
		return fmt.Errorf("cassandra: keyspace %q: a name is a small letter and at most 47 small letters, digits and underscores", config.Keyspace)
	}
	var name string
	err := session.Query(`SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?`, config.Keyspace).WithContext(ctx).Scan(&name)
	if err == nil {
		return nil
	}
	if err != gocql.ErrNotFound {
		return fmt.Errorf("cassandra: look for keyspace %s: %w", config.Keyspace, err)
	}
	statement := fmt.Sprintf(`CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': %d}`,
		config.Keyspace, config.ReplicationFactor)
	if err := session.Query(statement).WithContext(ctx).Exec(); err != nil {
		return fmt.Errorf("cassandra: create keyspace %s: %w", config.Keyspace, err)
	}
	return session.AwaitSchemaAgreement(ctx)
}

// createTables runs the statements of the schema for tables that are missing.
// It looks first, since two CREATE TABLE of one table at the same moment, sent
// to two nodes, can each make one.
func createTables(ctx context.Context, session *gocql.Session, config Config) error {
	keyspace := config.Keyspace
	existing := map[string]bool{}
	tables := session.Query(`SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?`, keyspace).WithContext(ctx).Iter()
	for name := ""; tables.Scan(&name); {
		existing[name] = true
	}
	if err := tables.Close(); err != nil {
		return fmt.Errorf("cassandra: list the tables of %s: %w", keyspace, err)
	}
	for table, statement := range Tables(config.Schema) {
		if existing[table] {
			continue
		}
		if err := session.Query(statement).WithContext(ctx).Exec(); err != nil {
			return fmt.Errorf("cassandra: create table %s.%s: %w", keyspace, table, err)
		}
	}
	for table := range Tables(config.Schema) {
		err := untilKnown(ctx, func() error {
			return prepare(ctx, session, "SELECT * FROM "+table)
		})
		if err != nil {
			return fmt.Errorf("cassandra: look at table %s.%s: %w", keyspace, table, err)
		}
	}
	return session.AwaitSchemaAgreement(ctx)
}

// errPrepared ends a query that has come as far as its preparation.
var errPrepared = errors.New("prepared")

// prepare has a node prepare a statement, without executing it.
func prepare(ctx context.Context, session *gocql.Session, statement string) error {
	// The driver asks for the values when it has prepared the statement.
	values := func(*gocql.QueryInfo) ([]any, error) { return nil, errPrepared }
	if err := session.Bind(statement, values).WithContext(ctx).Exec(); !errors.Is(err, errPrepared) {
		return err
	}
	return nil
}

// untilKnown calls until it succeeds, for ten seconds at most: what another
// process is creating at this moment stands in Cassandra's list a little before
// it can be used.
func untilKnown(ctx context.Context, use func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for tries := 0; ; tries++ {
		err := use()
		if err == nil {
			return nil
		}
		if Pause(ctx, tries) != nil {
			return err
		}
	}
}

// untilAnswered calls until there is an answer, for a minute at most: on a busy
// machine a connection or a new table can take longer than the driver waits, and
// what it didn't wait for may have been done. A refusal is an answer.
func untilAnswered(ctx context.Context, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for tries := 0; ; tries++ {
		err := call()
		answered := !OutcomeUnknown(err) && !errors.Is(err, gocql.ErrNoConnections) && !errors.Is(err, gocql.ErrNoConnectionsStarted)
		if answered || Pause(ctx, tries) != nil {
			return err
		}
	}
}

// tableName finds the table that a statement of a schema creates.
var tableName = regexp.MustCompile(`(?m)^CREATE TABLE IF NOT EXISTS (\w+)`)

// Tables yields each table of a schema and the statement that creates it, with
// the comment before it.
func Tables(schema string) func(yield func(table, statement string) bool) {
	return func(yield func(table, statement string) bool) {
		for statement := range strings.SplitSeq(schema, ";\n") {
			if match := tableName.FindStringSubmatch(statement); match != nil && !yield(match[1], statement) {
				return
			}
		}
	}
}

// Package postgres is PostgreSQL 15 as a backend: one server with one database,
// in which each namespace has schemas of its own.
//
// Its settings are PostgreSQL's defaults but for a few, so a commit is on the
// disk (fsync) before it is acknowledged, and survives a kill of the process as
// well as a crash of the machine. Text is UTF-8 and sorts by code point.
//
// Whoever reaches the port is the superuser kit, without a password, and may
// even run programs as the server's user. It listens on loopback only, and on
// no Unix socket. Drop looks for schemas; extensions and roles belong to no
// namespace.
//
// The server refuses to run as root. Where the kit is root, it runs as the user
// postgres, whom Debian's package makes, and what it stores belongs to that
// user; see owner for how it reaches a state folder below root's home. A
// checkout that was used by root is for root from then on: another user's
// server refuses the cluster, until `kit reset`.
package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"designkits/infra/backend"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name = "postgres"
	port = "sql"

	// User is the superuser whom every client connects as.
	User = "kit"
	// Database is the one in which the schemas are.
	Database = "kit"
	// Initdb is what a cluster is made with, on both engines.
	Initdb = "--encoding=UTF8 --locale=C.UTF-8"
)

// Settings are what differs from PostgreSQL's defaults, on both engines. Those
// would take the time zone from the machine.
var Settings = []string{"max_connections=200", "timezone=UTC", "log_timezone=UTC"}

var server = provision.Debian{
	Name: name, Program: "postgres", VersionArgs: []string{"--version"}, Major: "15",
	Dir: "/usr/lib/postgresql/15/bin", Packages: []string{"postgresql-15"}, Bytes: 64_000_000,
}

// Backend is PostgreSQL. Its memory is 128 MiB of buffers, which all processes
// share, and some for each connection.
var Backend = backend.Backend{
	Name:    name,
	Version: "15.20",
	Ports:   []backend.Port{{Name: port, Number: 5432}},
	Memory:  512 << 20,
	Sources: []provision.Source{server},
	Units:   units,
	Ready:   ready,
	Drop:    drop,
}

func units(site backend.Site) ([]supervise.Spec, error) {
	program, err := server.Path()
	if err != nil {
		return nil, err
	}
	// initdb is beside the program itself, if not beside a link to it.
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return nil, fmt.Errorf("look for the programs of postgres: %w", err)
	}
	owner, err := findOwner(os.Geteuid())
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(site.Data, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder of postgres: %w", err)
	}
	c := cluster{dir: site.Path("cluster"), bin: filepath.Dir(program), owner: owner}
	args := []string{
		"-p", strconv.Itoa(site.Ports[port]),
		"-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=",
	}
	for _, setting := range Settings {
		args = append(args, "-c", setting)
	}
	return []supervise.Spec{{
		Name:    name,
		Kind:    "backend",
		Command: owner.command(program, append([]string{"-D", owner.workingDir()}, args...)...),
		Dir:     c.dir,
		Prepare: c.prepare,
		// A fast shutdown: SIGTERM's would wait until the last client has gone.
		StopSignal: syscall.SIGINT,
		Ready:      func(ctx context.Context) error { return ready(ctx, site) },
		Ports:      []int{site.Ports[port]},
		Address:    site.Addr(port),
	}}, nil
}

func open(ctx context.Context, site backend.Site) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "postgres://"+User+"@"+site.Addr(port)+"/"+Database+"?sslmode=disable")
}

// ready writes a row and reads it back in a transaction that commits. The table
// goes with the transaction; a server that still recovers refuses to connect.
func ready(ctx context.Context, site backend.Site) error {
	conn, err := open(ctx, site)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer conn.Close(ctx)
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE TEMPORARY TABLE ready ON COMMIT DROP AS SELECT 1 AS n"); err != nil {
			return err
		}
		var n int
		return tx.QueryRow(ctx, "SELECT n FROM ready").Scan(&n)
	})
	if err != nil {
		return fmt.Errorf("postgres: write and read a row: %w", err)
	}
	return nil
}

// drop drops the schemas within the namespace with all that is in them, and
// what refers to that from elsewhere.
func drop(ctx context.Context, site backend.Site, namespace string) error {
	conn, err := open(ctx, site)
	if err != nil {
		return fmt.Errorf("postgres: drop %s: %w", namespace, err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT nspname FROM pg_namespace")
	if err != nil {
		return fmt.Errorf("postgres: drop %s: %w", namespace, err)
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("postgres: drop %s: %w", namespace, err)
	}
	for _, schema := range schemas {
		if !backend.Within(schema, namespace) {
			continue
		}
		if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{schema}.Sanitize()+" CASCADE"); err != nil {
			return fmt.Errorf("postgres: drop schema %s: %w", schema, err)
		}
	}
	return nil
}

package catalog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"designkits/infra/backend"
	"designkits/infra/backend/catalog"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

func postgresConn(t *testing.T, site backend.Site) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(within(t, time.Minute), "postgres://kit@"+site.Addr("sql")+"/kit?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func postgresExec(t *testing.T, conn *pgx.Conn, statement string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func postgresCount(t *testing.T, conn *pgx.Conn, query string, args ...any) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Two schemas, of which one refers to the other.
var postgresSchemas = store{
	backend: "postgres",
	put: func(t *testing.T, site backend.Site, namespace string) {
		conn := postgresConn(t, site)
		for _, statement := range []string{
			"CREATE SCHEMA %", "CREATE TABLE %.seats (seat int PRIMARY KEY)", "INSERT INTO %.seats VALUES (1)",
			"CREATE SCHEMA %_audit", "CREATE TABLE %_audit.log (seat int REFERENCES %.seats)", "INSERT INTO %_audit.log VALUES (1)",
		} {
			postgresExec(t, conn, strings.ReplaceAll(statement, "%", namespace))
		}
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		n := postgresCount(t, postgresConn(t, site), "SELECT count(*) FROM pg_namespace WHERE nspname = ANY($1)", []string{namespace, namespace + "_audit"})
		if n == 1 {
			t.Fatal("one of the two schemas is left")
		}
		return n > 0
	},
}

func postgresKept(t *testing.T, s server) {
	t.Helper()
	conn := postgresConn(t, s.Site)
	postgresExec(t, conn, "CREATE TABLE kept (n int)")
	for i := range 500 {
		postgresExec(t, conn, "INSERT INTO kept VALUES ($1)", i)
	}
}

func TestPostgresSurvivesAKill(t *testing.T) {
	s := serve(t, "postgres")
	s.listensOnLoopbackOnly(t)
	postgresKept(t, s)
	s.kill(t)
	conn := postgresConn(t, s.Site)
	if n := postgresCount(t, conn, "SELECT count(*) FROM kept"); n != 500 {
		t.Errorf("%d of 500 committed rows are there after a kill", n)
	}
	// A client in the middle of a transaction holds nothing up, and the server
	// gets to write all that it has to.
	postgresExec(t, conn, "BEGIN; INSERT INTO kept VALUES (500)")
	s.stopsInTime(t)
	log, err := os.ReadFile(s.sup.Status()[0].Log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "database system is shut down") {
		t.Errorf("it was stopped by force:\n%s", log)
	}
}

// A kill from outside reaches only the first process. The others notice when
// they next wait for something; who is in the middle of a query does later.
func TestPostgresIsRestartedWhileAnEarlierQueryStillRuns(t *testing.T) {
	s := serve(t, "postgres")
	postgresKept(t, s)
	busy := postgresConn(t, s.Site)
	ended := make(chan error, 1)
	go func() {
		_, err := busy.Exec(within(t, time.Minute), `DO $$ DECLARE until timestamptz := clock_timestamp() + interval '10 seconds';
			BEGIN WHILE clock_timestamp() < until LOOP END LOOP; END $$`)
		ended <- err
	}()
	watching := postgresConn(t, s.Site)
	eventually(t, "the query runs", 20*time.Second, func() error {
		if postgresCount(t, watching, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'") == 0 {
			return errors.New("it doesn't")
		}
		return nil
	})
	if err := syscall.Kill(s.sup.Status()[0].Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the death is known", 20*time.Second, func() error {
		if state := s.sup.Status()[0].State; state != supervise.Dead {
			return errors.New("it is " + string(state))
		}
		return nil
	})
	select {
	case err := <-ended:
		t.Fatalf("the query ended with the first process (%v), so this proves nothing", err)
	default:
	}
	s.restart(t)
	<-ended
	if n := postgresCount(t, postgresConn(t, s.Site), "SELECT count(*) FROM kept"); n != 500 {
		t.Errorf("%d of 500 committed rows are there", n)
	}
}

// A pause reaches the process that serves a connection.
func TestPostgresAnswersNothingWhilePaused(t *testing.T) {
	s := serve(t, "postgres")
	conn := postgresConn(t, s.Site)
	if err := s.sup.Pause(t.Context(), s.Name); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := conn.Exec(within(t, time.Minute), "SELECT 1")
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("it answers while it is paused (%v)", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := s.sup.Resume(t.Context(), s.Name); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

// An interrupted initdb leaves nothing that would be taken for a cluster.
func TestPostgresClusterIsWholeOrNotThere(t *testing.T) {
	b, _ := catalog.ByName("postgres")
	if err := provision.Fetch(t.Context(), t.TempDir(), b.Sources, nil); err != nil {
		t.Fatal(err)
	}
	site := backend.Site{Ports: freePorts(t, b.Ports), Data: filepath.Join(t.TempDir(), "postgres")}
	specs, err := b.Units(site)
	if err != nil {
		t.Fatal(err)
	}
	folders := func() (names []string) {
		entries, err := os.ReadDir(site.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	eventually(t, "initdb is interrupted", 2*time.Minute, func() error {
		interrupted, interrupt := context.WithCancel(t.Context())
		prepared := make(chan error, 1)
		go func() { prepared <- specs[0].Prepare(interrupted) }()
		eventually(t, "initdb has begun", time.Minute, func() error {
			if begun, err := filepath.Glob(filepath.Join(site.Data, "*", "PG_VERSION")); err != nil || len(begun) == 0 {
				return errors.New("it hasn't")
			}
			return nil
		})
		interrupt()
		if err := <-prepared; err != nil {
			return nil
		}
		return errors.Join(errors.New("it was done before"), os.RemoveAll(site.Data))
	})
	// What a kit that was killed as well leaves.
	if err := os.MkdirAll(filepath.Join(site.Data, "initdb-1", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds the cluster of the first
		if err := specs[0].Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := folders(); len(got) != 1 || got[0] != "cluster" {
			t.Errorf("the data folder has %v", got)
		}
	}
}

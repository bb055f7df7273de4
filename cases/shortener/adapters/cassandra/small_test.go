package cassandra

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/cql"
	"designkits/shared/testenv"
)

func TestAllGetOneSaltADay(t *testing.T) {
	db := openDB(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	const callers = 20
	got := make([][]byte, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			salt, err := db.Salts().Salt(t.Context(), today, fmt.Appendf(nil, "candidate %d", i))
			if err != nil {
				t.Error(err)
			}
			got[i] = salt
		})
	}
	all.Wait()
	for _, salt := range got {
		if !bytes.HasPrefix(salt, []byte("candidate ")) || !bytes.Equal(salt, got[0]) {
			t.Errorf("salts %q and %q of one day", salt, got[0])
		}
	}
	other, err := db.Salts().Salt(t.Context(), today.AddDate(0, 0, -1), []byte("yesterday's"))
	if err != nil || !bytes.Equal(other, []byte("yesterday's")) {
		t.Errorf("the day before has %q (%v), wanted its own salt", other, err)
	}
	var ttl int
	if err := db.session.Query(`SELECT TTL(salt) FROM visitor_salts WHERE day = ?`, today).WithContext(t.Context()).Scan(&ttl); err != nil {
		t.Fatal(err)
	}
	if end := time.Now().Add(time.Duration(ttl) * time.Second); end.Sub(today.Add(saltLifetime)).Abs() > time.Minute {
		t.Errorf("the salt is dropped at %v, wanted two days after %v", end, today)
	}
	if _, err := db.Salts().Salt(t.Context(), today.AddDate(0, 0, -2), []byte("too late")); err == nil {
		t.Error("a day that is gone was given a new salt")
	}
}

func TestAPIKeysAreFoundByTheirHash(t *testing.T) {
	keys := openDB(t).Keys()
	secret, hash := shortener.NewSecret()
	if _, err := keys.Key(t.Context(), hash); !errors.Is(err, shortener.ErrNoKey) {
		t.Errorf("before: got %v, wanted ErrNoKey", err)
	}
	want := shortener.Key{Owner: "alice", Rate: 2.5, Burst: 10, LinksPerDay: 1000}
	if err := keys.PutKey(t.Context(), hash, want); err != nil {
		t.Fatal(err)
	}
	sent, err := shortener.HashSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keys.Key(t.Context(), sent); err != nil || got != want {
		t.Errorf("got %+v (%v), wanted %+v", got, err, want)
	}
	want.Rate = 5
	if err := keys.PutKey(t.Context(), hash, want); err != nil {
		t.Fatal(err)
	}
	if got, err := keys.Key(t.Context(), sent); err != nil || got != want {
		t.Errorf("replaced: got %+v (%v), wanted %+v", got, err, want)
	}
	if err := keys.DeleteKey(t.Context(), hash); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Key(t.Context(), hash); !errors.Is(err, shortener.ErrNoKey) {
		t.Errorf("after: got %v, wanted ErrNoKey", err)
	}
}

// Replicas that start together on an empty Cassandra all find their tables.
func TestReplicasMayCreateTheTablesTogether(t *testing.T) {
	config := Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: testenv.Namespace(t)}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			db, err := Open(ctx, config)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.Ping(ctx); err != nil {
				t.Error(err)
			}
			if err := db.Ranges().Bind(ctx, "fingerprint"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// An answer that can't be read is an error, where the driver's own call panics.
func TestAWriteWithoutConditionIsNoConditionalOne(t *testing.T) {
	db := openDB(t)
	for _, query := range []string{`SELECT key FROM system.local`, `INSERT INTO click_days (code, day) VALUES ('plain', '2026-01-01') USING TIMESTAMP 1`} {
		if applied, err := conditional(t.Context(), db.session.Query(query), map[string]any{}); applied || err == nil {
			t.Errorf("%s: applied %v, error %v; wanted an error", query, applied, err)
		}
	}
}

func TestTheSchemaSaysWhatEachTableServes(t *testing.T) {
	tables := 0
	for table, statement := range cql.Tables(schema) {
		tables++
		comment, _, _ := strings.Cut(statement, "CREATE TABLE")
		if !strings.Contains(comment, "--   ") {
			t.Errorf("table %s has no comment with its query", table)
		}
	}
	if want := strings.Count(schema, "CREATE TABLE"); tables != want || want == 0 {
		t.Errorf("%d tables were found in schema.cql, it has %d", tables, want)
	}
}

func TestABadKeyspaceNameIsRefused(t *testing.T) {
	_, err := Open(t.Context(), Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: "x; DROP"})
	if err == nil || !strings.Contains(err.Error(), `"x; DROP"`) {
		t.Errorf("got %v, wanted an error that names it", err)
	}
}

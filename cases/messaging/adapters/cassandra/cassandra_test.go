package cassandra

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
	"designkits/cases/messaging/storetest"
	"designkits/shared/cql"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// keyspace is the one that the tests share: creating the tables takes longer than
// all of them.
var keyspace = struct {
	sync.Once
	name string
}{}

// openDB connects to the shared keyspace, after adjusting the configuration.
func openDB(t testing.TB, adjust ...func(*Config)) *DB {
	t.Helper()
	keyspace.Do(func() { keyspace.name = testenv.SharedNamespace(t) })
	config := Config{Config: cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: keyspace.name}, Timeout: 10 * time.Second}
	for _, a := range adjust {
		a(&config)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	db, err := Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func TestTheStoresKeepTheirContracts(t *testing.T) {
	t.Run("History", func(t *testing.T) {
		storetest.History(t, func(t *testing.T) messaging.History { return openDB(t).History() })
	})
	t.Run("Inbox", func(t *testing.T) {
		storetest.Inbox(t, func(t *testing.T) (messaging.Inbox, messaging.Receipts) {
			db := openDB(t)
			return db.Inbox(), db.Receipts()
		})
	})
	t.Run("Rosters", func(t *testing.T) {
		storetest.Rosters(t, func(t *testing.T) messaging.Rosters { return openDB(t).Rosters() })
	})
	t.Run("Receipts", func(t *testing.T) {
		storetest.Receipts(t, func(t *testing.T) messaging.Receipts { return openDB(t).Receipts() })
	})
	t.Run("Accounts", func(t *testing.T) {
		storetest.Accounts(t, func(t *testing.T) messaging.Accounts { return openDB(t).Accounts() })
	})
	t.Run("PresenceSettings", func(t *testing.T) {
		storetest.PresenceSettings(t, func(t *testing.T) presence.Settings { return openDB(t).PresenceSettings() })
	})
	t.Run("Prekeys", func(t *testing.T) {
		storetest.Prekeys(t, func(t *testing.T) messaging.Prekeys { return openDB(t).Prekeys() })
	})
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

func TestEveryOperationIsObserved(t *testing.T) {
	seen := map[string]error{}
	db := openDB(t, func(c *Config) { c.Observe = func(op string, _ time.Duration, err error) { seen[op] = err } })
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Accounts().Name(t.Context(), messaging.NewUserID()); err != messaging.ErrNotFound {
		t.Fatal(err)
	}
	if err, ok := seen["read account"]; !ok || err != messaging.ErrNotFound {
		t.Errorf("seen was %v", seen)
	}
	if err, ok := seen["ping"]; !ok || err != nil {
		t.Errorf("seen was %v", seen)
	}
}

package cassandra

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"designkits/cases/shortener"
	"designkits/cases/shortener/linkstoretest"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) {
	if os.Getenv(leaserOutput) != "" {
		os.Exit(runLeaser())
	}
	leaktest.Main(m,
		// The driver leaves this one behind when a session is closed while it looks
		// at the ring after a lost connection, as some tests here do.
		goleak.IgnoreTopFunction("github.com/gocql/gocql.(*Session).refreshRing"))
}

// keyspace is the one that most tests share: creating the tables takes longer
// than all of them.
var keyspace = struct {
	sync.Once
	name string
}{}

// openDB connects to the shared keyspace, after adjusting the configuration.
func openDB(t *testing.T, adjust ...func(*Config)) *DB {
	t.Helper()
	keyspace.Do(func() { keyspace.name = testenv.SharedNamespace(t) })
	config := Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: keyspace.name, Timeout: 10 * time.Second}
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

// unique returns seven characters that nothing else in the keyspace is named by.
func unique() string { return fmt.Sprintf("%07d", names.Add(1)%10_000_000) }

var names atomic.Uint64

// numbers are what the tests' codes look like, so that neighbours share a bucket.
var numbers inOrder

type inOrder struct{}

func (inOrder) Number(code string) (uint64, error) { return strconv.ParseUint(code, 36, 64) }

func testLink(code shortener.Code) shortener.Link {
	return shortener.Link{Code: code, Target: "https://example.com/", Owner: "owner-" + shortener.Owner(code),
		Created: time.Now().UTC().Truncate(time.Millisecond), Version: 1}
}

// newLink has a generated code, newAlias an alias.
func newLink() shortener.Link  { return testLink(shortener.Code(unique())) }
func newAlias() shortener.Link { return testLink(shortener.Code("alias-" + unique())) }

func TestLinksKeepTheContract(t *testing.T) {
	linkstoretest.Run(t, func(t *testing.T, grace time.Duration) shortener.LinkStore {
		return openDB(t, func(c *Config) { c.Grace = grace }).Links(numbers)
	})
}

package dynamodb

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/codes"
	"designkits/cases/shortener/linkstoretest"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// table is the one that most tests share.
var table = struct {
	sync.Once
	name string
}{}

// openDB opens the shared table, after adjusting the configuration.
func openDB(t *testing.T, adjust ...func(*Config)) *DB {
	t.Helper()
	table.Do(func() { table.name = testenv.SharedNamespace(t) })
	config := Config{Endpoint: "http://" + testenv.Addr(t, "dynamodb"), Table: table.name, Timeout: 10 * time.Second}
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

// unique returns seven characters that nothing else in the table is named by.
func unique() string { return fmt.Sprintf("%07d", names.Add(1)%10_000_000) }

var names atomic.Uint64

func testLink(code shortener.Code) shortener.Link {
	return shortener.Link{Code: code, Target: "https://example.com/", Owner: "owner-" + shortener.Owner(code),
		Created: time.Now().UTC().Truncate(time.Millisecond), Version: 1}
}

// newLink has a generated code, newAlias an alias.
func newLink() shortener.Link  { return testLink(shortener.Code(unique())) }
func newAlias() shortener.Link { return testLink(shortener.Code("alias-" + unique())) }

func TestLinksKeepTheContract(t *testing.T) {
	linkstoretest.Run(t, func(t *testing.T, grace time.Duration) shortener.LinkStore {
		return openDB(t, func(c *Config) { c.Grace = grace }).Links()
	})
}

func TestRangesKeepTheContract(t *testing.T) {
	own := map[*testing.T]string{}
	linkstoretest.RunRanges(t, func(t *testing.T) codes.RangeStore {
		if own[t] == "" {
			own[t] = unique()
		}
		return openDB(t).counter(own[t])
	})
}

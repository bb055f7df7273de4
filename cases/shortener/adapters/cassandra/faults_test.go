package cassandra

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gocql/gocql"

	"designkits/cases/shortener"
	"designkits/shared/testenv"
)

// throughProxy opens a store whose way to Cassandra the test can break, and
// one beside it that goes there directly.
func throughProxy(t *testing.T, timeout time.Duration) (*proxy, *DB, *DB) {
	t.Helper()
	direct := openDB(t)
	p := startProxy(t, testenv.Addr(t, "cassandra"))
	broken := openDB(t, func(c *Config) { c.Hosts, c.Timeout = []string{p.addr()}, timeout })
	return p, broken, direct
}

// eventually calls until it returns nil.
func eventually(t *testing.T, what string, call func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := call()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: after a minute still %v", what, err)
		}
		<-tick.C
	}
}

func TestASilentCassandraEndsTheCallInTime(t *testing.T) {
	p, db, _ := throughProxy(t, 300*time.Millisecond)
	p.swallow.Store(true)
	start := time.Now()
	_, err := db.Links(numbers).Get(t.Context(), "silence")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, wanted DeadlineExceeded", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	for _, word := range []string{"get link", "silence"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error %v doesn't say %q", err, word)
		}
	}
}

func TestALostConnectionIsMadeAgain(t *testing.T) {
	p, db, _ := throughProxy(t, 5*time.Second)
	links := db.Links(numbers)
	l := newLink()
	if err := links.Put(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	// More than once: after the first time the driver has looked at the ring,
	// and must still come this way and not past the proxy.
	for range 3 {
		p.refuse.Store(true)
		p.cut()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if _, err := links.Get(ctx, l.Code); err == nil || errors.Is(err, shortener.ErrNotFound) {
			t.Errorf("without a connection: got %v, wanted the store's own error", err)
		}
		cancel()
		p.refuse.Store(false)
		start := time.Now()
		eventually(t, "get again", func() error { _, err := links.Get(t.Context(), l.Code); return err })
		t.Logf("back %v after Cassandra", time.Since(start).Round(time.Millisecond))
		// The control connection is the last to be back.
		eventually(t, "agree on the schema", func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			return db.session.AwaitSchemaAgreement(ctx)
		})
	}
}

// The answer to a claim is lost, after it was applied. The claim must find out
// that the alias is its own.
func TestAClaimWhoseAnswerIsLostIsStillWon(t *testing.T) {
	p, db, direct := throughProxy(t, 10*time.Second)
	links := db.Links(numbers)
	l := newAlias()
	if err := links.Claim(t.Context(), newAlias()); err != nil { // the statement is prepared
		t.Fatal(err)
	}
	var all sync.WaitGroup
	defer all.Wait()
	claimed := make(chan error, 1)
	attempt := gocql.MustRandomUUID()
	p.swallow.Store(true)
	all.Go(func() { claimed <- links.claim(t.Context(), l, attempt) })
	eventually(t, "the claim is applied", func() error { _, err := direct.Links(numbers).Get(t.Context(), l.Code); return err })
	p.swallow.Store(false)
	p.cut()
	if err := <-claimed; err != nil {
		t.Errorf("got %v, wanted that the claim is won", err)
	}
}

func TestSettleTellsWhetherALostWriteWasApplied(t *testing.T) {
	links := openDB(t).Links(numbers)
	cause := errors.New("the answer was lost")
	l := newLink()
	if err := links.Put(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	swap := func(version int64) gocql.UUID {
		current, err := links.read(t.Context(), links.keyOf(l.Code), gocql.Consistency(gocql.LocalSerial))
		if err != nil {
			t.Fatal(err)
		}
		next := row{l, gocql.MustRandomUUID()}
		next.Version = version
		if applied, _, err := links.swap(t.Context(), links.keyOf(l.Code), current, next, 0); err != nil || !applied {
			t.Fatalf("swap: %v, %v", applied, err)
		}
		return next.attempt
	}
	if applied, err := links.settle(t.Context(), links.keyOf(l.Code), 2, gocql.MustRandomUUID(), cause); applied || err != nil {
		t.Errorf("a write that was never made: %v, %v", applied, err)
	}
	second := swap(2)
	if applied, err := links.settle(t.Context(), links.keyOf(l.Code), 2, second, cause); !applied || err != nil {
		t.Errorf("a write that was made: %v, %v", applied, err)
	}
	if applied, err := links.settle(t.Context(), links.keyOf(l.Code), 2, gocql.MustRandomUUID(), cause); applied || err != nil {
		t.Errorf("a write that another was made in place of: %v, %v", applied, err)
	}
	swap(3)
	if applied, err := links.settle(t.Context(), links.keyOf(l.Code), 2, second, cause); applied || !errors.Is(err, cause) {
		t.Errorf("a write that was covered: %v, %v, wanted the cause", applied, err)
	}
}

func TestAnUnreachableCassandraIsNamed(t *testing.T) {
	p := startProxy(t, testenv.Addr(t, "cassandra"))
	p.refuse.Store(true)
	_, err := Open(t.Context(), Config{Hosts: []string{p.addr()}, Keyspace: "unreachable"})
	if err == nil || !strings.Contains(err.Error(), p.addr()) || !strings.Contains(err.Error(), "kit status") {
		t.Errorf("got %v, wanted an error with the address and what to do", err)
	}
}

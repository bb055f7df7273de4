// Command bare is what the benches measure the shortener against: the least
// that a Go program can do for the same answer, with the same drivers, and
// nothing else, not even traces. It serves on LISTEN:
//
//	/constant   a 302 to a constant
//	/redis      a 302 to what one GET answers, of the keys bare:0 … bare:N-1
//	/cassandra  a 302 to what one SELECT answers
//	/insert     a 201 after one INSERT
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gocql/gocql"
	"github.com/redis/go-redis/v9"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const target = "https://www.postgresql.org/docs/15/sql-select.html"

func run(ctx context.Context) error {
	keyspace, keys := os.Getenv("NAMESPACE"), 20_000
	cluster := gocql.NewCluster(strings.Split(os.Getenv("CASSANDRA"), ",")...)
	cluster.Consistency, cluster.Timeout = gocql.LocalQuorum, 5*time.Second
	cluster.DisableInitialHostLookup = true
	session, err := cluster.CreateSession()
	if err != nil {
		return fmt.Errorf("bare: connect to Cassandra: %w", err)
	}
	defer session.Close()
	for _, statement := range []string{
		`CREATE KEYSPACE IF NOT EXISTS ` + keyspace + ` WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
		`CREATE TABLE IF NOT EXISTS ` + keyspace + `.bare (code text PRIMARY KEY, target text)`,
	} {
		if err := session.Query(statement).WithContext(ctx).Exec(); err != nil {
			return fmt.Errorf("bare: %s: %w", statement, err)
		}
	}
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS")})
	defer client.Close()
	if err := fill(ctx, session, client, keyspace, keys); err != nil {
		return err
	}

	var turn atomic.Uint64
	key := func() string { return fmt.Sprintf("bare:%d", turn.Add(1)%uint64(keys)) }
	selects := `SELECT target FROM ` + keyspace + `.bare WHERE code = ?`
	inserts := `INSERT INTO ` + keyspace + `.bare (code, target) VALUES (?, ?)`
	redirect := func(w http.ResponseWriter, target string, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header()["Location"] = []string{target}
		w.WriteHeader(http.StatusFound)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/constant", func(w http.ResponseWriter, _ *http.Request) { redirect(w, target, nil) })
	mux.HandleFunc("/redis", func(w http.ResponseWriter, r *http.Request) {
		found, err := client.Get(r.Context(), keyspace+key()).Result()
		redirect(w, found, err)
	})
	mux.HandleFunc("/cassandra", func(w http.ResponseWriter, r *http.Request) {
		var found string
		err := session.Query(selects, key()).WithContext(r.Context()).Scan(&found)
		redirect(w, found, err)
	})
	mux.HandleFunc("/insert", func(w http.ResponseWriter, r *http.Request) {
		var random [6]byte
		_, _ = rand.Read(random[:]) // never fails, see crypto/rand
		if err := session.Query(inserts, base64.RawURLEncoding.EncodeToString(random[:]), target).WithContext(r.Context()).Exec(); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // it ends with the program either way
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("bare: %w", err)
	}
	return nil
}

// fill puts in what the handlers read.
func fill(ctx context.Context, session *gocql.Session, client *redis.Client, keyspace string, keys int) error {
	pipe := client.Pipeline()
	for i := range keys {
		pipe.Set(ctx, fmt.Sprintf("%sbare:%d", keyspace, i), target, time.Hour)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("bare: fill Redis: %w", err)
	}
	const batch = 100
	for from := 0; from < keys; from += batch {
		b := session.NewBatch(gocql.UnloggedBatch).WithContext(ctx)
		for i := from; i < from+batch; i++ {
			b.Query(`INSERT INTO `+keyspace+`.bare (code, target) VALUES (?, ?)`, fmt.Sprintf("bare:%d", i), target)
		}
		if err := session.ExecuteBatch(b); err != nil {
			return fmt.Errorf("bare: fill Cassandra: %w", err)
		}
	}
	return nil
}

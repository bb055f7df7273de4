// Command bare is what the benches measure the ticket sale against: the least
// that a Go program can do for the same answer, with the same driver, and
// nothing else, not even a look at who asks. It serves on LISTEN, and
// a hold of it lasts for HOLD_FOR:
//
//	POST /api/events/{event}/holds   a 201 after one EVALSHA of booking's script
//	POST /api/room/{event}           a 200 after one ZADD
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	tickets "designkits/cases/tickets/adapters/redis"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS"), PoolSize: 64, Protocol: 2})
	defer client.Close()
	hash, err := client.ScriptLoad(ctx, tickets.HoldScript()).Result()
	if err != nil {
		return fmt.Errorf("bare: load the script: %w", err)
	}
	namespace := os.Getenv("NAMESPACE")
	holdFor, err := time.ParseDuration(os.Getenv("HOLD_FOR"))
	if err != nil {
		return fmt.Errorf("bare: HOLD_FOR: %w", err)
	}
	answer := func(w http.ResponseWriter, status int, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(status)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/events/{event}/holds", func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ Seats []string }
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			answer(w, 0, err)
			return
		}
		hold, event := r.Header.Get("Idempotency-Key"), namespace+":{"+r.PathValue("event")+"}:"
		args := []any{hold, holdFor.Milliseconds(), 8}
		for _, seat := range ask.Seats {
			args = append(args, seat)
		}
		granted, err := client.EvalSha(r.Context(), hash, []string{event + "seats", event + "token", event + "held:" + hold}, args...).Slice()
		if err == nil && granted[0] != int64(1) {
			err = fmt.Errorf("not granted: %v", granted)
		}
		answer(w, http.StatusCreated, err)
	})
	mux.HandleFunc("POST /api/room/{event}", func(w http.ResponseWriter, r *http.Request) {
		now := float64(time.Now().UnixNano())
		err := client.ZAdd(r.Context(), namespace+":"+r.PathValue("event"), redis.Z{Score: now, Member: r.Header.Get("Idempotency-Key")}).Err()
		answer(w, http.StatusOK, err)
	})
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // it ends with the program either way
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("bare: %w", err)
	}
	return nil
}

package cql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gocql/gocql"
)

// Operations is how a store's operations are carried out.
type Operations struct {
	// Observe, when set, is told of every operation: its name, how long it took
	// and how it ended.
	Observe func(operation string, took time.Duration, err error)
	// Expected tells the errors of the domain, which pass through as they are.
	Expected func(error) bool
}

// Run gives an operation its deadline, its place in the metrics, and its
// errors their words.
func (o Operations) Run(ctx context.Context, operation, subject string, timeout time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	err := do(ctx)
	if o.Observe != nil {
		o.Observe(operation, time.Since(start), err)
	}
	switch {
	case err == nil:
		return nil
	case o.Expected != nil && o.Expected(err):
		return err
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		// The driver may report what the end of the context broke, not the end.
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, gocql.ErrNoConnections):
		err = fmt.Errorf("%w; `kit status` tells whether Cassandra runs", err)
	}
	return fmt.Errorf("cassandra: %s %s: %w", operation, subject, err)
}

// Ping makes one round trip, for a readiness check.
func Ping(ctx context.Context, session *gocql.Session) error {
	var key string
	return session.Query(`SELECT key FROM system.local`).WithContext(ctx).Scan(&key)
}

// Package dynamodb keeps links and the counter of codes in Amazon DynamoDB, as
// a second shortener.LinkStore and codes.RangeStore beside Cassandra's. API
// keys, salts and the sums of clicks stay in Cassandra.
//
// One table holds every kind of item; table.go has its layout and the request
// that each key serves.
//
// Guarantees. Reads by key are strongly consistent. Every write is a
// conditional one and decided by one replica leader, so what must happen once
// (an alias claimed, a link changed) happens once; a range of codes is leased by
// an atomic addition. A write whose answer was lost is repeated, and recognises
// its own earlier try (see swap).
//
// Not guaranteed: a listing reads a global secondary index, which follows the
// table some moments later, usually a fraction of a second. Expiry by TTL is
// late, by days at worst, so whether a link is over is decided by its own expiry
// at each read, and TTL only collects garbage. In several regions (global
// tables) conditions hold within one region only: claims must go to one.
package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"designkits/cases/shortener"
)

// Config says where DynamoDB is and how patient to be.
type Config struct {
	// Endpoint is that of DynamoDB Local, "http://127.0.0.1:8000"; empty for the
	// service itself, in Region and with Credentials.
	Endpoint    string
	Region      string                  // default "local", with an endpoint
	Credentials aws.CredentialsProvider // default a made-up key, with an endpoint
	Table       string                  // created if there is none

	// Timeout ends a read, default 2 s; a change of a link has twice that, since
	// it reads, writes, and may have to do so again.
	Timeout time.Duration
	// Grace is how long an expired link is still known, default
	// shortener.GracePeriod.
	Grace time.Duration
	// Observe, when set, is told of every operation: its name, how long it took
	// and how it ended.
	Observe func(operation string, took time.Duration, err error)
	// Now tells the time, default time.Now.
	Now func() time.Time

	transport http.RoundTripper // of tests that lose answers
}

func (c Config) withDefaults() Config {
	if c.Endpoint != "" && c.Region == "" {
		c.Region = "local"
	}
	if c.Endpoint != "" && c.Credentials == nil {
		c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Grace == 0 {
		c.Grace = shortener.GracePeriod
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// connections is how many idle ones are kept: as many as ask at once on a busy
// replica, or each of the others would open and close one.
const connections = 256

// A DB is a client of one table. It may be used by many goroutines.
type DB struct {
	client *dynamodb.Client
	config Config
	table  *string
	idle   *http.Transport
}

// Open creates the table if it is missing and returns when it can be used, or
// with an error when the context ends.
func Open(ctx context.Context, config Config) (*DB, error) {
	config = config.withDefaults()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = connections, connections
	db := &DB{config: config, table: &config.Table, idle: transport}
	client := &http.Client{Transport: transport}
	if config.transport != nil {
		client.Transport = config.transport
	}
	options := dynamodb.Options{Region: config.Region, Credentials: config.Credentials, HTTPClient: client}
	if config.Endpoint != "" {
		options.BaseEndpoint = &config.Endpoint
	}
	db.client = dynamodb.New(options)
	if err := db.createTable(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("dynamodb: prepare table %s: %w%s", config.Table, err, hint(err))
	}
	return db, nil
}

// Close ends the idle connections; those in use end with their calls.
func (db *DB) Close() { db.idle.CloseIdleConnections() }

// Ping makes one round trip, for a readiness check.
func (db *DB) Ping(ctx context.Context) error {
	return db.run(ctx, "ping", *db.table, db.config.Timeout, func(ctx context.Context) error {
		_, err := db.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: db.table})
		return err
	})
}

// run gives an operation its deadline, its place in the metrics, and its
// errors their words. Errors of the domain pass through as they are.
func (db *DB) run(ctx context.Context, operation, subject string, timeout time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	err := do(ctx)
	if db.config.Observe != nil {
		db.config.Observe(operation, time.Since(start), err)
	}
	switch {
	case err == nil:
		return nil
	case shortener.Expected(err):
		return err
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		// The SDK may report what the end of the context broke, not the end.
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return fmt.Errorf("dynamodb: %s %s: %w%s", operation, subject, err, hint(err))
}

// hint says what to type where nothing answers.
func hint(err error) string {
	if network := (*net.OpError)(nil); errors.As(err, &network) && network.Op == "dial" {
		return "; `kit status` tells whether DynamoDB runs"
	}
	return ""
}

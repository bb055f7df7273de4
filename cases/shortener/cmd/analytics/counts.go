package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/clicks"
)

// counts is the StatsStore in Cassandra, which may be away when the process
// starts: the stream job and the pages don't wait for it.
type counts struct {
	hosts    []string
	keyspace string

	mu    sync.Mutex
	db    *cassandra.DB // nil until the first connection
	stats *cassandra.Stats
}

var errNotConnected = errors.New("not connected to Cassandra yet")

// connect opens the store, trying again until it succeeds or ctx ends.
func (c *counts) connect(ctx context.Context, pause time.Duration) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, 30*time.Second)
		db, err := cassandra.Open(attempt, cassandra.Config{Hosts: c.hosts, Keyspace: c.keyspace})
		cancel()
		if err == nil {
			c.mu.Lock()
			c.db, c.stats = db, db.Stats()
			c.mu.Unlock()
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

func (c *counts) open() (*cassandra.DB, *cassandra.Stats, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return nil, nil, errNotConnected
	}
	return c.db, c.stats, nil
}

func (c *counts) apply(ctx context.Context, batch []clicks.Positioned) error {
	_, stats, err := c.open()
	if err != nil {
		return fmt.Errorf("add up increments: %w", err)
	}
	return stats.Apply(ctx, batch)
}

func (c *counts) ping(ctx context.Context) error {
	db, _, err := c.open()
	if err != nil {
		return err
	}
	return db.Ping(ctx)
}

func (c *counts) close(context.Context) error {
	if db, _, err := c.open(); err == nil {
		db.Close()
	}
	return nil
}

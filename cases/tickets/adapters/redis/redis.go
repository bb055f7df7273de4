// Package redis keeps in Redis who holds which seat. Nothing here is the only
// copy of a sale: what was sold PostgreSQL knows, and refuses to sell again,
// also when Redis has lost everything.
//
// All keys begin with the namespace. Each event's stand in one hash slot, since
// one script reads and writes them together.
package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"designkits/cases/tickets"
	"designkits/shared/gather"
)

// A Client is the connection to one Redis, under one namespace.
type Client struct {
	redis     *redis.Client
	together  *gather.Gatherer[redis.Cmder] // for what many ask at once
	namespace string
}

// Open returns a client for the Redis at addr. It doesn't connect yet, since a
// process must be able to start while Redis is away.
func Open(addr, namespace string) *Client {
	client := redis.NewClient(&redis.Options{
		Addr:                     addr,
		ContextTimeoutEnabled:    true,
		DialTimeout:              500 * time.Millisecond,
		DialerRetries:            1,
		ReadTimeout:              time.Second,
		WriteTimeout:             time.Second,
		PoolSize:                 64,
		MaxRetries:               -1, // none
		DisableIdentity:          true,
		Protocol:                 2, // with 3 the driver looks for pushed messages before each call
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	return &Client{namespace: namespace, redis: client, together: pipelined(client)}
}

// Close closes the connections.
func (c *Client) Close(context.Context) error {
	c.together.Close()
	return c.redis.Close()
}

// Ping makes one round trip.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

// key returns the name of a key of an event, in the event's hash slot.
func (c *Client) key(event tickets.EventID, kind string) string {
	return c.namespace + ":{" + string(event) + "}:" + kind
}

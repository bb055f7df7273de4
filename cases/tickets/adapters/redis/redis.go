// Package redis keeps in Redis what may be lost: who holds which seat, who waits
// and who was let in, what was asked for and tried. Nothing here is the only
// copy of a sale: what was sold PostgreSQL knows, and refuses to sell again,
// also when Redis has lost everything.
//
// All keys begin with the namespace. An event's stand in one hash slot, since
// one script reads and writes them together.
package redis

import (
	"context"

	"designkits/cases/tickets"
	"designkits/shared/gather"
	"designkits/shared/redis"
)

// A Client is the connection to one Redis, under one namespace.
type Client struct {
	redis     *redis.Client
	namespace string
	joins     *gather.Gatherer[*joining] // those who join a waiting room
}

// Open returns a client for the Redis at addr. It doesn't connect yet, since a
// process must be able to start while Redis is away.
func Open(addr, namespace string) *Client {
	c := &Client{redis: redis.Open(addr), namespace: namespace}
	// One call at a time: Redis has one thread, and the more a call carries the less each costs.
	c.joins = gather.New(gather.Config[*joining]{Max: atOnce, Send: c.Room().join})
	return c
}

// Close closes the connections.
func (c *Client) Close(ctx context.Context) error {
	c.joins.Close()
	return c.redis.Close(ctx)
}

// Ping makes one round trip.
func (c *Client) Ping(ctx context.Context) error { return c.redis.Ping(ctx) }

// key returns the name of a key of an event, in the event's hash slot.
func (c *Client) key(event tickets.EventID, kind string) string {
	return c.namespace + ":{" + string(event) + "}:" + kind
}

// Package redis keeps in Redis what all replicas share and can do without: the
// cache of links, the stream of changes, and the token buckets of the limits.
//
// All keys begin with the namespace: "ns:link:CODE", "ns:changes",
// "ns:limit:KEY". Nothing here is the only copy of anything. When Redis loses
// what it holds, links are read from the store again, followers of changes find
// out and distrust what they learned, and the limits begin anew.
//
// Every call ends with its context; none is retried here, for the callers know
// better whether it is worth it.
package redis

import (
	"context"

	"designkits/shared/gather"
	"designkits/shared/redis"
)

// A Client is the connection to one Redis, under one namespace. Cache, Changes
// and Limiter are made from it.
type Client struct {
	redis     *redis.Client
	charges   *gather.Gatherer[*charge] // the limiter's
	namespace string
}

// Open returns a client for the Redis at addr. It doesn't connect yet, since a
// process must be able to start while Redis is away.
func Open(addr, namespace string) *Client {
	c := &Client{redis: redis.Open(addr), namespace: namespace}
	c.charges = c.gatherCharges()
	return c
}

// Close closes the connections. Followers must have ended before.
func (c *Client) Close(ctx context.Context) error {
	c.charges.Close()
	return c.redis.Close(ctx)
}

// Ping makes one round trip.
func (c *Client) Ping(ctx context.Context) error { return c.redis.Ping(ctx) }

// key returns the name of a key within the namespace.
func (c *Client) key(kind, name string) string { return c.namespace + ":" + kind + ":" + name }

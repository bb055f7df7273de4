// Package redis keeps in Redis what may be lost: which gateway a device is
// connected to, which devices were signed out lately, which resume tokens were
// used, who was seen when, how often somebody has tried, and what gateways tell each
// other that is stored nowhere (typing, receipts on their way).
//
// When Redis loses all of it, gateways write their routes again within a third of
// session.RouteFor and have the devices catch up from their inboxes; who was signed out is
// known to the accounts as well. Messages never come through here.
//
// All keys begin with the namespace.
package redis

import (
	"context"

	"designkits/shared/redis"
)

// A Client is the connection to one Redis, under one namespace.
type Client struct {
	redis     *redis.Client
	namespace string
}

// Open returns a client for the Redis at addr. It doesn't connect yet, since a
// process must be able to start while Redis is away.
func Open(addr, namespace string) *Client { return &Client{redis.Open(addr), namespace} }

// Close closes the connections.
func (c *Client) Close(ctx context.Context) error { return c.redis.Close(ctx) }

// Ping makes one round trip.
func (c *Client) Ping(ctx context.Context) error { return c.redis.Ping(ctx) }

// key returns the name of a key.
func (c *Client) key(kind, name string) string { return c.namespace + ":" + kind + ":" + name }

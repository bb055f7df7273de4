// Package redis is what the cases' adapters for Redis have in common: how they
// connect, how the commands of many callers share a round trip, how they count
// tries, and how they follow a channel.
package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"designkits/shared/gather"
)

// A Client is the connection to one Redis. Its methods may be called by many
// goroutines at once.
type Client struct {
	*redis.Client
	together *gather.Gatherer[redis.Cmder] // for what many ask at once
	counting *gather.Gatherer[*tally]
}

// Open returns a client for the Redis at addr. It doesn't connect yet, since a
// process must be able to start while Redis is away. Nothing is tried again by
// itself: most of what is sent isn't idempotent.
func Open(addr string) *Client {
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
	c := &Client{Client: client, together: pipelined(client)}
	// One call at a time: Redis has one thread, and the more a call carries the less each costs.
	c.counting = gather.New(gather.Config[*tally]{Max: tallies, Send: c.count})
	return c
}

// Close closes the connections.
func (c *Client) Close(context.Context) error {
	c.counting.Close()
	c.together.Close()
	return c.Client.Close()
}

// Ping makes one round trip.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.Client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

// silent drops what the driver would print: its errors are returned as well,
// and whoever gets them says so in the process's own log.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silent{}) }

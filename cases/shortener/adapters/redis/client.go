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
	"fmt"
	"time"

	"designkits/shared/gather"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// A Client is the connection to one Redis, under one namespace. Cache, Changes
// and Limiter are made from it.
type Client struct {
	redis     *redis.Client
	together  *gather.Gatherer[redis.Cmder] // for what many ask at once
	charges   *gather.Gatherer[*charge]     // the limiter's
	namespace string
}

// Open returns a client for the Redis at addr. It doesn't connect yet, since a
// process must be able to start while Redis is away.
func Open(addr, namespace string) *Client {
	client := redis.NewClient(&redis.Options{
		Addr:                  addr,
		ContextTimeoutEnabled: true,
		DialTimeout:           500 * time.Millisecond,
		DialerRetries:         1,
		ReadTimeout:           time.Second, // contexts are shorter
		WriteTimeout:          time.Second,
		PoolSize:              64,
		MaxRetries:            -1, // none
		DisableIdentity:       true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})
	c := &Client{redis: client, together: pipelined(client), namespace: namespace}
	c.charges = c.gatherCharges()
	return c
}

// pipelined gathers commands into pipelines. The driver has the like
// (AutoPipeline), but there a command that waits doesn't end with its context,
// and these must: a redirect doesn't wait for a slow cache.
func pipelined(client *redis.Client) *gather.Gatherer[redis.Cmder] {
	return gather.New(gather.Config[redis.Cmder]{Lanes: 2, Send: func(ctx context.Context, batch []redis.Cmder) error {
		pipe := client.Pipeline()
		for _, command := range batch {
			_ = pipe.Process(ctx, command) // it is only queued
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
		return nil
	}})
}

// do carries a command out together with those of others.
func (c *Client) do(ctx context.Context, command redis.Cmder) error {
	if err := c.together.Do(ctx, command); err != nil {
		return err
	}
	return command.Err()
}

// Close closes the connections. Followers must have ended before.
func (c *Client) Close(context.Context) error {
	c.together.Close()
	c.charges.Close()
	return c.redis.Close()
}

// Ping makes one round trip.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

// silent drops what the driver would print: its errors are returned as well,
// and whoever gets them says so in the process's own log.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silent{}) }

// key returns the name of a key within the namespace.
func (c *Client) key(kind, name string) string { return c.namespace + ":" + kind + ":" + name }

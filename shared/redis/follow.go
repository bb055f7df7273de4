package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// listenFor is how long a connection may be silent before it is asked whether
	// it still is one.
	listenFor = 2 * time.Second
	// reconnectPause is between two tries.
	reconnectPause = 50 * time.Millisecond
)

// A Follower hears a channel (PUBLISH, SUBSCRIBE), connecting again whenever that
// is lost. What is published meanwhile it misses.
type Follower struct {
	Client  *Client
	Channel string
	// What is what the channel tells, for logs: "changes of seats".
	What string
	Log  *slog.Logger
	// Apply is called for each message, in order; it logs an error and goes on.
	Apply func(message string) error
	// Connected is called whenever it hears, and may have missed something.
	Connected func()
}

// Run follows until the context ends, and returns its error.
func (f Follower) Run(ctx context.Context) error {
	heard := true
	for {
		err := f.listen(ctx, func() {
			if !heard {
				f.Log.Info("heard again", "what", f.What)
			}
			heard = true
			f.Connected()
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if heard {
			f.Log.Warn("can't be heard", "what", f.What, "error", err.Error())
		}
		heard = false
		select {
		case <-time.After(reconnectPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listen hears over one connection until it fails or the context ends.
func (f Follower) listen(ctx context.Context, connected func()) error {
	channel := f.Client.Subscribe(ctx)
	defer channel.Close()
	defer context.AfterFunc(ctx, func() { _ = channel.Close() })() // a read doesn't hear of the context's end
	if err := channel.Subscribe(ctx, f.Channel); err != nil {
		return fmt.Errorf("redis: subscribe to %s: %w", f.What, err)
	}
	for asked := false; ; {
		message, err := channel.ReceiveTimeout(ctx, listenFor)
		switch {
		case isTimeout(err) && !asked:
			if err := channel.Ping(ctx); err != nil {
				return fmt.Errorf("redis: listen for %s: %w", f.What, err)
			}
			asked = true
			continue
		case err != nil:
			return fmt.Errorf("redis: listen for %s: %w", f.What, err)
		}
		asked = false
		switch m := message.(type) {
		case *redis.Subscription:
			connected()
		case *redis.Message:
			if err := f.Apply(m.Payload); err != nil {
				f.Log.Warn("a message isn't understood", "what", f.What, "error", err.Error())
			}
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

package redis

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/seatmap"

	"github.com/redis/go-redis/v9"
)

// Changes is seatmap.Changes over a channel of Redis (PUBLISH, SUBSCRIBE). What
// is announced while somebody isn't connected is lost to them, which they are
// told.
//
// A message is the name of who announces, a space, and the changes: so nobody
// has to read what they have said themselves, which under load is most of it.
type Changes struct {
	client *Client
	log    *slog.Logger
	self   string
}

// Changes returns the channel. It logs when it is lost and found.
func (c *Client) Changes(log *slog.Logger) *Changes { return &Changes{c, log, rand.Text()[:8]} }

var _ seatmap.Changes = (*Changes)(nil)

func (c *Changes) channel() string { return c.client.namespace + ":changes" }

// change is the form of a seatmap.Change in a message.
type change struct {
	Event tickets.EventID  `json:"e"`
	Seats []tickets.SeatID `json:"s,omitempty"`
	State tickets.State    `json:"st,omitempty"`
	Token int64            `json:"t,omitempty"`
	Until int64            `json:"u,omitempty"` // ms since 1970
}

// Announce implements seatmap.Changes.
func (c *Changes) Announce(ctx context.Context, changes []seatmap.Change) error {
	wire := make([]change, len(changes))
	for i, x := range changes {
		wire[i] = change{Event: x.Event, Seats: x.Seats, State: x.State, Token: x.Token}
		if !x.Until.IsZero() {
			wire[i].Until = x.Until.UnixMilli()
		}
	}
	text, err := json.Marshal(wire)
	if err != nil {
		return fmt.Errorf("encode changes of seats: %w", err)
	}
	if err := c.client.redis.Publish(ctx, c.channel(), c.self+" "+string(text)).Err(); err != nil {
		return fmt.Errorf("redis: announce changes of seats: %w", err)
	}
	return nil
}

const (
	// listenFor is how long a connection may be silent before it is asked whether
	// it still is one.
	listenFor = 2 * time.Second
	// reconnectPause is between two tries.
	reconnectPause = 50 * time.Millisecond
)

// Follow implements seatmap.Changes.
func (c *Changes) Follow(ctx context.Context, apply func([]seatmap.Change), lost func()) error {
	heard := true
	for {
		err := c.listen(ctx, apply, func() {
			if !heard {
				c.log.Info("hearing changes of seats again")
			}
			heard = true
			lost()
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if heard {
			c.log.Warn("changes of seats can't be heard", "error", err.Error())
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
func (c *Changes) listen(ctx context.Context, apply func([]seatmap.Change), connected func()) error {
	channel := c.client.redis.Subscribe(ctx)
	defer channel.Close()
	defer context.AfterFunc(ctx, func() { _ = channel.Close() })() // a read doesn't hear of the context's end
	if err := channel.Subscribe(ctx, c.channel()); err != nil {
		return fmt.Errorf("redis: subscribe to changes of seats: %w", err)
	}
	for asked := false; ; {
		message, err := channel.ReceiveTimeout(ctx, listenFor)
		switch {
		case isTimeout(err) && !asked:
			if err := channel.Ping(ctx); err != nil {
				return fmt.Errorf("redis: listen for changes of seats: %w", err)
			}
			asked = true
			continue
		case err != nil:
			return fmt.Errorf("redis: listen for changes of seats: %w", err)
		}
		asked = false
		switch m := message.(type) {
		case *redis.Subscription:
			connected()
		case *redis.Message:
			from, text, _ := strings.Cut(m.Payload, " ")
			if from == c.self {
				continue
			}
			changes, err := decode(text)
			if err != nil {
				c.log.Warn("a change of seats isn't understood", "error", err.Error())
				continue
			}
			apply(changes)
		}
	}
}

func decode(text string) ([]seatmap.Change, error) {
	var wire []change
	if err := json.Unmarshal([]byte(text), &wire); err != nil {
		return nil, fmt.Errorf("changes of seats: %w", err)
	}
	changes := make([]seatmap.Change, len(wire))
	for i, x := range wire {
		changes[i] = seatmap.Change{Event: x.Event, Seats: x.Seats, State: x.State, Token: x.Token, Until: time.UnixMilli(x.Until)}
	}
	return changes, nil
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

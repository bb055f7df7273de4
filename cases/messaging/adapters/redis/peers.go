package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"designkits/cases/messaging"
	"designkits/cases/messaging/session"
	shared "designkits/shared/redis"
)

// Peers is session.Peers over one channel of Redis a gateway (PUBLISH,
// SUBSCRIBE). What is published while a gateway isn't connected is lost to it.
type Peers struct{ client *Client }

// Peers returns the way to the other gateways.
func (c *Client) Peers() *Peers { return &Peers{c} }

var _ session.Peers = (*Peers)(nil)

// A notice is what a channel carries: a frame for devices, or the end of a
// connection.
type notice struct {
	To    []messaging.Address `json:"to,omitempty"`
	Frame json.RawMessage     `json:"frame,omitempty"`
	End   *session.Route      `json:"end,omitempty"`
}

func (p *Peers) channel(gateway string) string { return p.client.namespace + ":gateway:" + gateway }

// Tell implements session.Peers.
func (p *Peers) Tell(ctx context.Context, to []messaging.Address, frame []byte) error {
	at, err := p.client.Routes().Gateways(ctx, to)
	if err != nil || len(at) == 0 {
		return err
	}
	pipe := p.client.redis.Pipeline()
	for gateway, devices := range at {
		if err := p.publish(ctx, pipe, gateway, notice{To: devices, Frame: frame}); err != nil {
			return err
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: tell %d gateways: %w", len(at), err)
	}
	return nil
}

// End implements session.Peers.
func (p *Peers) End(ctx context.Context, r session.Route) error {
	if err := p.publish(ctx, p.client.redis.Client, r.Gateway, notice{End: &r}); err != nil {
		return fmt.Errorf("end the connection of %s: %w", r.Device, err)
	}
	return nil
}

func (p *Peers) publish(ctx context.Context, to redis.Cmdable, gateway string, n notice) error {
	message, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode what a gateway is told: %w", err)
	}
	if err := to.Publish(ctx, p.channel(gateway), message).Err(); err != nil {
		return fmt.Errorf("redis: tell %s: %w", gateway, err)
	}
	return nil
}

// Hear passes on what a gateway is told, until the context ends.
func (p *Peers) Hear(ctx context.Context, gateway string, hub *session.Hub, log *slog.Logger) error {
	return shared.Follower{
		Client: p.client.redis, Channel: p.channel(gateway), What: "what other gateways tell", Log: log,
		Connected: func() {}, // what was missed nobody relies on
		Apply: func(message string) error {
			var n notice
			if err := json.Unmarshal([]byte(message), &n); err != nil {
				return err
			}
			if n.End != nil {
				hub.End(*n.End, session.Replaced)
			} else {
				hub.Heard(n.To, n.Frame)
			}
			return nil
		},
	}.Run(ctx)
}

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

// A notice is what a channel carries: frames for devices, or the end of a
// connection.
type notice struct {
	Told []session.Telling `json:"told,omitempty"`
	End  *session.Route    `json:"end,omitempty"`
}

func (p *Peers) channel(gateway string) string { return p.client.namespace + ":gateway:" + gateway }

// Tell implements session.Peers: one notice for each gateway.
func (p *Peers) Tell(ctx context.Context, all []session.Telling) error {
	var devices []messaging.Address
	for _, t := range all {
		devices = append(devices, t.To...)
	}
	routes, err := p.client.Routes().Of(ctx, devices)
	if err != nil || len(routes) == 0 {
		return err
	}
	at := make(map[messaging.Address]string, len(routes))
	for _, r := range routes {
		at[r.Device] = r.Gateway
	}
	notices := map[string]*notice{}
	for _, t := range all {
		its := map[string][]messaging.Address{}
		for _, device := range t.To {
			if gateway, ok := at[device]; ok {
				its[gateway] = append(its[gateway], device)
			}
		}
		for gateway, to := range its {
			if notices[gateway] == nil {
				notices[gateway] = &notice{}
			}
			notices[gateway].Told = append(notices[gateway].Told, session.Telling{To: to, Frame: t.Frame})
		}
	}
	pipe := p.client.redis.Pipeline()
	for gateway, n := range notices {
		if err := p.publish(ctx, pipe, gateway, *n); err != nil {
			return err
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: tell %d gateways: %w", len(notices), err)
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
			}
			for _, t := range n.Told {
				hub.Heard(t.To, t.Frame)
			}
			return nil
		},
	}.Run(ctx)
}

package redis

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/shared/redis"
)

// SignOuts is the messaging.SignOuts: a key a device, kept for as long as its token
// may last, and a channel on which gateways hear of it.
type SignOuts struct {
	client *Client
	log    *slog.Logger
}

// keptFor is as long as a token may last that was renewed while the device was being
// signed out.
const keptFor = identity.DeviceFor + time.Hour

// SignOuts returns the memory of who was signed out. It logs when its channel is
// lost and found.
func (c *Client) SignOuts(log *slog.Logger) *SignOuts { return &SignOuts{c, log} }

var _ messaging.SignOuts = (*SignOuts)(nil)

func (s *SignOuts) channel() string { return s.client.namespace + ":signed-out" }

// SignOut implements messaging.SignOuts: one transaction, so that who hears of it
// finds it.
func (s *SignOuts) SignOut(ctx context.Context, a messaging.Address) error {
	tx := s.client.redis.TxPipeline()
	tx.Set(ctx, s.client.key("signed-out", a.String()), 1, keptFor)
	tx.Publish(ctx, s.channel(), a.String())
	if _, err := tx.Exec(ctx); err != nil {
		return fmt.Errorf("redis: sign out %s: %w", a, err)
	}
	return nil
}

// SignedOut implements messaging.SignOuts.
func (s *SignOuts) SignedOut(ctx context.Context, a messaging.Address) (bool, error) {
	n, err := s.client.redis.Exists(ctx, s.client.key("signed-out", a.String())).Result()
	if err != nil {
		return false, fmt.Errorf("redis: ask whether %s was signed out: %w", a, err)
	}
	return n > 0, nil
}

// Follow implements messaging.SignOuts.
func (s *SignOuts) Follow(ctx context.Context, apply func(messaging.Address), missed func()) error {
	return redis.Follower{
		Client: s.client.redis, Channel: s.channel(), What: "devices that are signed out", Log: s.log, Connected: missed,
		Apply: func(message string) error {
			a, err := messaging.ParseAddress(message)
			if err == nil {
				apply(a)
			}
			return err
		},
	}.Run(ctx)
}

package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"designkits/cases/messaging"
)

// LinkCodes is the messaging.LinkCodes: a key a code, with a time to live.
type LinkCodes struct{ client *Client }

// LinkCodes returns the codes that wait for a device.
func (c *Client) LinkCodes() *LinkCodes { return &LinkCodes{c} }

var _ messaging.LinkCodes = (*LinkCodes)(nil)

// Offer implements messaging.LinkCodes.
func (s *LinkCodes) Offer(ctx context.Context, code messaging.LinkCode, of messaging.UserID) error {
	if err := s.client.redis.Set(ctx, s.client.key("link", string(code)), string(of), messaging.LinkCodeFor).Err(); err != nil {
		return fmt.Errorf("redis: offer a link code of %s: %w", of, err)
	}
	return nil
}

// Redeem implements messaging.LinkCodes. Who reads it deletes it, in one command.
func (s *LinkCodes) Redeem(ctx context.Context, code messaging.LinkCode) (messaging.UserID, error) {
	of, err := s.client.redis.GetDel(ctx, s.client.key("link", string(code))).Result()
	if errors.Is(err, redis.Nil) {
		return "", messaging.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("redis: redeem a link code: %w", err) // which is a secret: not in a log
	}
	return messaging.UserID(of), nil
}

package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"designkits/cases/tickets"
)

// SetNX is how it is often done, and wrong: a key a seat, set if it isn't there,
// with a time to live, and a sale that believes its own hold. It is kept so that
// the contract suite can be seen to catch it.
//
// A hold that ran out while its holder paid is sold all the same, next to the
// sale of whoever has held the seat since. It knows no limit of an account either.
type SetNX struct{ client *Client }

// SetNX returns the wrong claims.
func (c *Client) SetNX() *SetNX { return &SetNX{c} }

var _ tickets.Claims = (*SetNX)(nil)

func (s *SetNX) seat(event tickets.EventID, seat tickets.SeatID) string {
	return s.client.key(event, "setnx:"+string(seat))
}

// Hold implements tickets.Claims.
func (s *SetNX) Hold(ctx context.Context, claim tickets.Claim) (tickets.Grant, error) {
	for i, seat := range claim.Seats {
		ok, err := s.client.redis.SetNX(ctx, s.seat(claim.Event, seat), string(claim.Hold), claim.For).Result()
		if err == nil && !ok {
			err = &tickets.Taken{Seats: []tickets.SeatID{seat}}
		}
		if err != nil {
			back := tickets.Grant{Claim: claim}
			back.Seats = claim.Seats[:i]
			return tickets.Grant{}, errors.Join(err, s.Release(ctx, back))
		}
	}
	return tickets.Grant{Claim: claim, Until: time.Now().Add(claim.For)}, nil
}

// Extend implements tickets.Claims.
func (s *SetNX) Extend(ctx context.Context, g tickets.Grant, d time.Duration) (tickets.Grant, error) {
	for _, seat := range g.Seats {
		if err := s.client.redis.PExpire(ctx, s.seat(g.Event, seat), d).Err(); err != nil {
			return g, fmt.Errorf("redis: extend: %w", err)
		}
	}
	g.Until = time.Now().Add(d)
	return g, nil
}

// Release implements tickets.Claims.
func (s *SetNX) Release(ctx context.Context, g tickets.Grant) error {
	for _, seat := range g.Seats {
		if err := s.client.redis.Del(ctx, s.seat(g.Event, seat)).Err(); err != nil {
			return fmt.Errorf("redis: release: %w", err)
		}
	}
	return nil
}

// Confirm implements tickets.Claims.
func (s *SetNX) Confirm(ctx context.Context, g tickets.Grant, order tickets.OrderID) error {
	for _, seat := range g.Seats {
		if err := s.client.redis.Set(ctx, s.seat(g.Event, seat), "sold "+string(order), 0).Err(); err != nil {
			return fmt.Errorf("redis: confirm: %w", err)
		}
	}
	return nil
}

// Refund implements tickets.Claims.
func (s *SetNX) Refund(ctx context.Context, event tickets.EventID, order tickets.OrderID, seats []tickets.SeatID) error {
	return s.each(ctx, event, func(key string, seat tickets.SeatID, value string) error {
		if value != "sold "+string(order) || len(seats) > 0 && !slices.Contains(seats, seat) {
			return nil
		}
		return s.client.redis.Del(ctx, key).Err()
	})
}

// Seats implements tickets.Claims.
func (s *SetNX) Seats(ctx context.Context, event tickets.EventID) (map[tickets.SeatID]tickets.State, error) {
	states := map[tickets.SeatID]tickets.State{}
	err := s.each(ctx, event, func(_ string, seat tickets.SeatID, value string) error {
		states[seat] = tickets.Held
		if strings.HasPrefix(value, "sold ") {
			states[seat] = tickets.Paid
		}
		return nil
	})
	return states, err
}

func (s *SetNX) each(ctx context.Context, event tickets.EventID, do func(key string, seat tickets.SeatID, value string) error) error {
	prefix := s.seat(event, "")
	for keys := s.client.redis.Scan(ctx, 0, prefix+"*", 1000).Iterator(); keys.Next(ctx); {
		value, err := s.client.redis.Get(ctx, keys.Val()).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err == nil {
			err = do(keys.Val(), tickets.SeatID(keys.Val()[len(prefix):]), value)
		}
		if err != nil {
			return fmt.Errorf("redis: seats of %s: %w", event, err)
		}
	}
	return nil
}

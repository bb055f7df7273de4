package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"
)

// Room is room.Room: a sorted set an event, by lot and then by arrival.
type Room struct{ client *Client }

// Room returns the waiting room.
func (c *Client) Room() *Room { return &Room{c} }

var _ room.Room = (*Room)(nil)

var (
	//go:embed join.lua
	joinSource string
	//go:embed admit.lua
	admitSource string

	joinScript  = redis.NewScript(joinSource)
	admitScript = redis.NewScript(admitSource)
)

func (r *Room) keys(event tickets.EventID) []string {
	return []string{r.client.key(event, "queue"), r.client.key(event, "admitted"), r.client.key(event, "room")}
}

// Join implements room.Room.
func (r *Room) Join(ctx context.Context, event tickets.EventID, account tickets.Account, draw uint64) error {
	if err := joinScript.Run(ctx, r.client.redis, r.keys(event), string(account), draw).Err(); err != nil {
		return fmt.Errorf("redis: join %s: %w", event, err)
	}
	return nil
}

// Place implements room.Room.
func (r *Room) Place(ctx context.Context, event tickets.EventID, account tickets.Account) (room.Place, error) {
	keys := r.keys(event)
	pipe := r.client.redis.Pipeline()
	rank := pipe.ZRank(ctx, keys[0], string(account))
	admitted := pipe.SIsMember(ctx, keys[1], string(account))
	open := pipe.HExists(ctx, keys[2], "open")
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return room.Place{}, fmt.Errorf("redis: place in %s: %w", event, err)
	}
	switch {
	case admitted.Val():
		return room.Place{Status: room.Admitted}, nil
	case errors.Is(rank.Err(), redis.Nil):
		return room.Place{Status: room.Unknown}, nil
	case !open.Val():
		return room.Place{Status: room.Early}, nil
	}
	return room.Place{Status: room.Waiting, Ahead: rank.Val()}, nil
}

// Open implements room.Room.
func (r *Room) Open(ctx context.Context, event tickets.EventID) error {
	if err := r.client.redis.HSetNX(ctx, r.keys(event)[2], "open", 1).Err(); err != nil {
		return fmt.Errorf("redis: open %s: %w", event, err)
	}
	return nil
}

// Admit implements room.Room.
func (r *Room) Admit(ctx context.Context, event tickets.EventID, n int) ([]tickets.Account, error) {
	names, err := admitScript.Run(ctx, r.client.redis, r.keys(event), n).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: admit to %s: %w", event, err)
	}
	accounts := make([]tickets.Account, len(names))
	for i, name := range names {
		accounts[i] = tickets.Account(name)
	}
	return accounts, nil
}

// Leave implements room.Room.
func (r *Room) Leave(ctx context.Context, event tickets.EventID, account tickets.Account) error {
	keys := r.keys(event)
	pipe := r.client.redis.TxPipeline()
	pipe.ZRem(ctx, keys[0], string(account))
	pipe.SRem(ctx, keys[1], string(account))
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: leave %s: %w", event, err)
	}
	return nil
}

// Waiting implements room.Room.
func (r *Room) Waiting(ctx context.Context, event tickets.EventID) (int64, error) {
	n, err := r.client.redis.ZCard(ctx, r.keys(event)[0]).Result()
	if err != nil {
		return 0, fmt.Errorf("redis: who waits for %s: %w", event, err)
	}
	return n, nil
}

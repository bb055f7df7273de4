package redis

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"designkits/cases/tickets"

	"github.com/redis/go-redis/v9"
)

// Attempts is tickets.Attempts: a key a request, with a time to live.
type Attempts struct{ client *Client }

// Attempts returns the memory of requests for holds.
func (c *Client) Attempts() *Attempts { return &Attempts{c} }

var _ tickets.Attempts = (*Attempts)(nil)

// attempt is the form of a tickets.Attempt.
type attempt struct {
	Hash  string           `json:"h"`
	Seats []tickets.SeatID `json:"s"`
	Since int64            `json:"t"` // ms since 1970
}

func (a *Attempts) key(event tickets.EventID, r tickets.Request) string {
	return a.client.key(event, "try:"+string(r.Account)+":"+r.Key)
}

func (a *Attempts) text(r tickets.Request, x tickets.Attempt) []byte {
	text, _ := json.Marshal(attempt{hex.EncodeToString(r.Hash[:16]), x.Seats, x.Since.UnixMilli()}) // strings and ints always marshal
	return text
}

// Begin implements tickets.Attempts.
func (a *Attempts) Begin(ctx context.Context, event tickets.EventID, r tickets.Request, x tickets.Attempt, d time.Duration) (tickets.Attempt, error) {
	text := a.text(r, x)
	command := redis.NewCmd(ctx, "set", a.key(event, r), text, "nx", "get", "px", d.Milliseconds())
	err := a.client.redis.Together(ctx, command)
	if errors.Is(err, redis.Nil) {
		return x, nil // there was none
	}
	if err != nil {
		return x, fmt.Errorf("redis: remember a request of %s: %w", r.Account, err)
	}
	before, _ := command.Text() // of GET, always
	return a.read(r, before)
}

// Kept implements tickets.Attempts.
func (a *Attempts) Kept(ctx context.Context, event tickets.EventID, r tickets.Request) (x tickets.Attempt, found bool, err error) {
	command := redis.NewCmd(ctx, "get", a.key(event, r))
	err = a.client.redis.Together(ctx, command)
	if errors.Is(err, redis.Nil) {
		return x, false, nil
	}
	if err != nil {
		return x, false, fmt.Errorf("redis: look up a request of %s: %w", r.Account, err)
	}
	before, _ := command.Text()
	x, err = a.read(r, before)
	return x, err == nil, err
}

// read reads what is kept of a request.
func (a *Attempts) read(r tickets.Request, before string) (tickets.Attempt, error) {
	var kept attempt
	if err := json.Unmarshal([]byte(before), &kept); err != nil {
		return tickets.Attempt{}, fmt.Errorf("redis: a request of %s is remembered as %q: %w", r.Account, before, err)
	}
	if kept.Hash != hex.EncodeToString(r.Hash[:16]) {
		return tickets.Attempt{}, tickets.ErrKeyReused
	}
	return tickets.Attempt{Seats: kept.Seats, Since: time.UnixMilli(kept.Since)}, nil
}

// Change implements tickets.Attempts.
func (a *Attempts) Change(ctx context.Context, event tickets.EventID, r tickets.Request, x tickets.Attempt, d time.Duration) error {
	if err := a.client.redis.Set(ctx, a.key(event, r), a.text(r, x), d).Err(); err != nil {
		return fmt.Errorf("redis: remember a request of %s: %w", r.Account, err)
	}
	return nil
}

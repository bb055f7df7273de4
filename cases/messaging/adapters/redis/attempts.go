package redis

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"designkits/cases/messaging"
)

// Attempts is the messaging.Attempts: two keys a request, one for what is known of
// it and one while somebody carries it out.
type Attempts struct{ client *Client }

// Attempts returns the memory of requests.
func (c *Client) Attempts() *Attempts { return &Attempts{c} }

var _ messaging.Attempts = (*Attempts)(nil)

// attempt is what is known of a request.
type attempt struct {
	Hash    string          `json:"h"`
	Plan    string          `json:"p"`
	Outcome json.RawMessage `json:"o,omitempty"`
}

func (s *Attempts) names(key string) (known, lock string) {
	// In one slot of a cluster, should there be one.
	return s.client.key("try", "{"+key+"}"), s.client.key("trying", "{"+key+"}")
}

// Begin implements messaging.Attempts. The lock isn't given back by name: it lasts
// as long as whoever has it may take.
func (s *Attempts) Begin(ctx context.Context, key string, hash [32]byte, plan string) (first string, outcome []byte, err error) {
	own := attempt{Hash: hex.EncodeToString(hash[:]), Plan: plan}
	text, err := json.Marshal(own)
	if err != nil {
		return "", nil, fmt.Errorf("redis: begin a request: %w", err)
	}
	known, lock := s.names(key)
	tx := s.client.redis.TxPipeline()
	locked := tx.SetArgs(ctx, lock, 1, redis.SetArgs{Mode: "NX", TTL: messaging.AttemptFor})
	before := tx.Do(ctx, "set", known, text, "nx", "get", "px", messaging.AttemptsFor.Milliseconds())
	if _, err := tx.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return "", nil, fmt.Errorf("redis: begin a request: %w", err)
	}
	if kept, err := before.Text(); err == nil {
		if err := json.Unmarshal([]byte(kept), &own); err != nil {
			return "", nil, fmt.Errorf("redis: a request is remembered as %q: %w", kept, err)
		}
	} else if !errors.Is(err, redis.Nil) {
		return "", nil, fmt.Errorf("redis: begin a request: %w", err)
	}
	mine := locked.Err() == nil
	switch {
	case own.Hash != hex.EncodeToString(hash[:]):
		err = messaging.ErrKeyReused
	case own.Outcome == nil && !mine:
		return "", nil, messaging.ErrUnderWay
	case own.Outcome == nil:
		return own.Plan, nil, nil
	}
	if mine {
		err = errors.Join(err, s.Abandon(ctx, key)) // nothing is carried out
	}
	return own.Plan, own.Outcome, err
}

// Finish implements messaging.Attempts. The outcome is JSON.
func (s *Attempts) Finish(ctx context.Context, key string, outcome []byte) error {
	known, lock := s.names(key)
	text, err := s.client.redis.Get(ctx, known).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil // forgotten: it is as if it had no key
	}
	var a attempt
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err == nil {
		a.Outcome = outcome
		text, err = json.Marshal(a)
	}
	if err == nil {
		tx := s.client.redis.TxPipeline()
		tx.Set(ctx, known, text, messaging.AttemptsFor)
		tx.Del(ctx, lock)
		_, err = tx.Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("redis: finish a request: %w", err)
	}
	return nil
}

// Abandon implements messaging.Attempts.
func (s *Attempts) Abandon(ctx context.Context, key string) error {
	_, lock := s.names(key)
	if err := s.client.redis.Del(ctx, lock).Err(); err != nil {
		return fmt.Errorf("redis: abandon a request: %w", err)
	}
	return nil
}

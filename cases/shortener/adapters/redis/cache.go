package redis

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"designkits/cases/shortener"

	"github.com/redis/go-redis/v9"
)

// A Cache is shortener.SharedCache: one string a code, "VERSION JSON", so that
// the script that compares versions needn't read the JSON.
type Cache struct{ client *Client }

// Cache returns the shared cache.
func (c *Client) Cache() *Cache { return &Cache{c} }

//go:embed fill.lua
var fillSource string

var fillScript = redis.NewScript(fillSource)

// Get implements shortener.SharedCache.
func (c *Cache) Get(ctx context.Context, code shortener.Code) (shortener.Entry, bool, error) {
	get := redis.NewStringCmd(ctx, "get", c.client.key("link", string(code)))
	err := c.client.redis.Together(ctx, get)
	if errors.Is(err, redis.Nil) {
		return shortener.Entry{}, false, nil
	}
	if err != nil {
		return shortener.Entry{}, false, fmt.Errorf("redis: get %q: %w", code, err)
	}
	e, err := decode(get.Val())
	if err != nil {
		return shortener.Entry{}, false, fmt.Errorf("redis: get %q: %w", code, err)
	}
	return e, true, nil
}

// Fill implements shortener.SharedCache. Mostly the cache holds nothing of the
// code; only where it does has the script to compare.
func (c *Cache) Fill(ctx context.Context, e shortener.Entry, ttl time.Duration) error {
	key, value, ms := c.client.key("link", string(e.Link.Code)), encode(e), max(ttl.Milliseconds(), 1)
	err := c.client.redis.Together(ctx, redis.NewStatusCmd(ctx, "set", key, value, "px", ms, "nx"))
	if errors.Is(err, redis.Nil) {
		err = fillScript.Run(ctx, c.client.redis, []string{key}, e.Link.Version, value, ms).Err()
	}
	if err != nil {
		return fmt.Errorf("redis: fill %q: %w", e.Link.Code, err)
	}
	return nil
}

// encode writes an entry as it stands in the cache and in the stream: its
// version, which is all that the script reads of it, and the rest as JSON.
func encode(e shortener.Entry) string {
	text, err := json.Marshal(e)
	if err != nil {
		return "" // strings, times of this era, ints and bools always marshal
	}
	return strconv.FormatInt(e.Link.Version, 10) + " " + string(text)
}

func decode(value string) (e shortener.Entry, err error) {
	_, text, _ := strings.Cut(value, " ")
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return shortener.Entry{}, fmt.Errorf("an entry that can't be read: %w", err)
	}
	return e, nil
}

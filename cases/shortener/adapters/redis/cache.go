package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"designkits/cases/shortener"

	"github.com/redis/go-redis/v9"
)

// A Cache is shortener.SharedCache: one string a code that begins with the
// version, which is all that the script that compares versions reads of it.
type Cache struct{ client *Client }

// Cache returns the shared cache.
func (c *Client) Cache() *Cache { return &Cache{c} }

//go:embed fill.lua
var fillSource string

var fillScript = redis.NewScript(fillSource)

// Get implements shortener.SharedCache.
func (c *Cache) Get(ctx context.Context, code shortener.Code) (shortener.Entry, bool, error) {
	get := redis.NewStringCmd(ctx, "get", c.client.key("link", string(code)))
	err := c.client.do(ctx, get)
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
	err := c.client.do(ctx, redis.NewStatusCmd(ctx, "set", key, value, "px", ms, "nx"))
	if errors.Is(err, redis.Nil) {
		err = fillScript.Run(ctx, c.client.redis, []string{key}, e.Link.Version, value, ms).Err()
	}
	if err != nil {
		return fmt.Errorf("redis: fill %q: %w", e.Link.Code, err)
	}
	return nil
}

// encode writes an entry as it stands in the cache and in the stream: version,
// flags (m missing, p permanent), created, expires, code, owner and target,
// between tabs, which none of them contains. Times are Unix ms; no expiry is
// empty.
func encode(e shortener.Entry) string {
	l := e.Link
	b := make([]byte, 0, 64+len(l.Code)+len(l.Owner)+len(l.Target))
	b = append(strconv.AppendInt(b, l.Version, 10), '\t')
	if e.Missing {
		b = append(b, 'm')
	}
	if l.Permanent {
		b = append(b, 'p')
	}
	b = append(appendTime(append(b, '\t'), l.Created), '\t')
	b = append(appendTime(b, l.Expires), '\t')
	b = append(append(b, l.Code...), '\t')
	b = append(append(b, l.Owner...), '\t')
	return string(append(b, l.Target...))
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return strconv.AppendInt(b, t.UnixMilli(), 10)
}

func decode(value string) (shortener.Entry, error) {
	var fields [6]string
	rest := value
	for i := range fields {
		field, after, ok := strings.Cut(rest, "\t")
		if !ok {
			return shortener.Entry{}, fmt.Errorf("an entry that can't be read: %.100q", value)
		}
		fields[i], rest = field, after
	}
	version, err1 := strconv.ParseInt(fields[0], 10, 64)
	created, err2 := parseTime(fields[2])
	expires, err3 := parseTime(fields[3])
	if err := errors.Join(err1, err2, err3); err != nil {
		return shortener.Entry{}, fmt.Errorf("an entry that can't be read: %.100q: %w", value, err)
	}
	return shortener.Entry{
		Missing: strings.Contains(fields[1], "m"),
		Link: shortener.Link{
			Code: shortener.Code(fields[4]), Target: rest, Owner: shortener.Owner(fields[5]), Created: created, Expires: expires,
			Permanent: strings.Contains(fields[1], "p"), Version: version,
		},
	}, nil
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(ms).UTC(), err
}

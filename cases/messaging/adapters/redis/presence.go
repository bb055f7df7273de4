package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
)

// Presence is presence.Store: a hash a person, with a field for each of their
// devices, "SEEN UNTIL" in milliseconds since 1970. A field is written by the gateway
// where the device is, so that no two write at once but when it moves; who of them is
// last is put right by the next heartbeat, before Grace has passed.
type Presence struct{ client *Client }

// Presence returns who was seen.
func (c *Client) Presence() *Presence { return &Presence{c} }

var _ presence.Store = (*Presence)(nil)

func (p *Presence) key(u messaging.UserID) string { return p.client.key("presence", string(u)) }

// Sight implements presence.Store, in one round trip.
func (p *Presence) Sight(ctx context.Context, devices []messaging.Address, s presence.Sighting) error {
	if len(devices) == 0 {
		return nil
	}
	value := strconv.FormatInt(s.Seen.UnixMilli(), 10) + " " + strconv.FormatInt(s.Until.UnixMilli(), 10)
	pipe := p.client.redis.Pipeline()
	for _, a := range devices {
		pipe.HSet(ctx, p.key(a.User), strconv.Itoa(int(a.Device)), value)
		pipe.Expire(ctx, p.key(a.User), messaging.InboxFor)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: note that %d devices were seen: %w", len(devices), err)
	}
	return nil
}

// Look implements presence.Store, in one round trip.
func (p *Presence) Look(ctx context.Context, users []messaging.UserID) (map[messaging.UserID]map[messaging.DeviceID]presence.Sighting, error) {
	found := map[messaging.UserID]map[messaging.DeviceID]presence.Sighting{}
	if len(users) == 0 {
		return found, nil
	}
	pipe := p.client.redis.Pipeline()
	answers := make([]*redis.MapStringStringCmd, len(users))
	for i, u := range users {
		answers[i] = pipe.HGetAll(ctx, p.key(u))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("redis: look whether %d people are there: %w", len(users), err)
	}
	for i, u := range users {
		for field, value := range answers[i].Val() {
			d, s, err := sighting(field, value)
			if err != nil {
				return nil, fmt.Errorf("redis: when %s was seen: %w", u, err)
			}
			if found[u] == nil {
				found[u] = map[messaging.DeviceID]presence.Sighting{}
			}
			found[u][d] = s
		}
	}
	return found, nil
}

func sighting(field, value string) (messaging.DeviceID, presence.Sighting, error) {
	device, err := strconv.Atoi(field)
	seen, until, ok := strings.Cut(value, " ")
	var at [2]int64
	for i, text := range []string{seen, until} {
		if err == nil {
			at[i], err = strconv.ParseInt(text, 10, 64)
		}
	}
	if err != nil || !ok {
		return 0, presence.Sighting{}, fmt.Errorf("device %q has %q: it should be two times in milliseconds", field, value)
	}
	return messaging.DeviceID(device), presence.Sighting{Seen: time.UnixMilli(at[0]).UTC(), Until: time.UnixMilli(at[1]).UTC()}, nil
}

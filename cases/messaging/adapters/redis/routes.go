package redis

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"designkits/cases/messaging"
	"designkits/cases/messaging/session"
)

var (
	//go:embed put.lua
	putSource string
	//go:embed refresh.lua
	refreshSource string
	//go:embed remove.lua
	removeSource string

	putScript     = redis.NewScript(putSource)
	refreshScript = redis.NewScript(refreshSource)
	removeScript  = redis.NewScript(removeSource)
)

// Routes is session.Routes. A route is a key that expires, "GATEWAY NUMBER".
type Routes struct{ client *Client }

// Routes returns where devices are connected.
func (c *Client) Routes() *Routes { return &Routes{c} }

var _ session.Routes = (*Routes)(nil)

func text(r session.Route) string { return r.Gateway + " " + strconv.FormatUint(r.Number, 36) }

func parse(a messaging.Address, value string) (session.Route, error) {
	gateway, number, ok := strings.Cut(value, " ")
	n, err := strconv.ParseUint(number, 36, 64)
	if !ok || err != nil {
		return session.Route{}, fmt.Errorf("the route of %s is %q: it should be a gateway and a number", a, value)
	}
	return session.Route{Device: a, Gateway: gateway, Number: n}, nil
}

func (r *Routes) keys(a messaging.Address) []string {
	return []string{r.client.key("route", a.String()), r.client.key("signed-out", a.String())}
}

// Put implements session.Routes.
func (r *Routes) Put(ctx context.Context, route session.Route) (*session.Route, error) {
	answer, err := r.client.redis.Script(ctx, putScript, r.keys(route.Device), text(route), session.RouteFor.Milliseconds()).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: put the route of %s: %w", route.Device, err)
	}
	value, ok := answer.(string)
	switch {
	case !ok:
		return nil, messaging.ErrRevoked
	case value == "":
		return nil, nil
	}
	before, err := parse(route.Device, value)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return &before, nil
}

// Refresh implements session.Routes, in one round trip.
func (r *Routes) Refresh(ctx context.Context, routes []session.Route) ([]session.Standing, error) {
	for {
		pipe := r.client.redis.Pipeline()
		answers := make([]*redis.Cmd, len(routes))
		for i, route := range routes {
			answers[i] = refreshScript.EvalSha(ctx, pipe, r.keys(route.Device), text(route), session.RouteFor.Milliseconds(), route.Gateway+" ", route.Unknown)
		}
		_, err := pipe.Exec(ctx)
		if redis.HasErrorPrefix(err, "NOSCRIPT") { // the first call since Redis began
			if err := refreshScript.Load(ctx, r.client.redis).Err(); err != nil {
				return nil, fmt.Errorf("redis: refresh %d routes: %w", len(routes), err)
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("redis: refresh %d routes: %w", len(routes), err)
		}
		standings := make([]session.Standing, len(routes))
		for i, answer := range answers {
			n, err := answer.Int()
			if err != nil {
				return nil, fmt.Errorf("redis: refresh the route of %s: %w", routes[i].Device, err)
			}
			standings[i] = session.Standing(n) // the script's numbers are these
		}
		return standings, nil
	}
}

// Remove implements session.Routes.
func (r *Routes) Remove(ctx context.Context, route session.Route) error {
	if err := r.client.redis.Script(ctx, removeScript, r.keys(route.Device)[:1], text(route)).Err(); err != nil {
		return fmt.Errorf("redis: remove the route of %s: %w", route.Device, err)
	}
	return nil
}

// Of returns where devices are, in a round trip that others share; those that are
// nowhere are left out.
func (r *Routes) Of(ctx context.Context, devices []messaging.Address) ([]session.Route, error) {
	if len(devices) == 0 {
		return nil, nil
	}
	call := make([]any, 1, len(devices)+1)
	call[0] = "mget"
	for _, a := range devices {
		call = append(call, r.client.key("route", a.String()))
	}
	answer := redis.NewSliceCmd(ctx, call...)
	if err := r.client.redis.Together(ctx, answer); err != nil {
		return nil, fmt.Errorf("redis: look up %d routes: %w", len(devices), err)
	}
	var routes []session.Route
	for i, value := range answer.Val() {
		text, ok := value.(string)
		if !ok {
			continue // nil
		}
		route, err := parse(devices[i], text)
		if err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
		routes = append(routes, route)
	}
	return routes, nil
}

// Gateways returns where devices are, by gateway, for who announces messages.
func (r *Routes) Gateways(ctx context.Context, devices []messaging.Address) (map[string][]messaging.Address, error) {
	routes, err := r.Of(ctx, devices)
	at := map[string][]messaging.Address{}
	for _, route := range routes {
		at[route.Gateway] = append(at[route.Gateway], route.Device)
	}
	return at, err
}

// Package bench measures the shortener side by side with its baselines: `kit
// bench shortener`. The figures of the last full run stand in results.json;
// DESIGN.md and the capacity sheet take theirs from there.
//
// Both sides of a comparison are processes of their own, the shortener's api as
// it ships and cmd bare below this folder, and both get the same load from this
// one. On a small machine the load takes a share of the cores, the same from
// either side, so the ratios are a little kinder than they would be across a
// network, and the absolute figures lower.
package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	harness "designkits/shared/bench"
	"designkits/shared/kitenv"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// All are the benches, in the order of the table.
var All = []harness.Bench{
	redirectHit, redirectRedis, redirectCold, redirectRecorded, edgeCache, create, stores,
	codeStrategies, hitRatio, cacheMemory, statusCodes, freshness,
}

// workers are the connections of the load.
const workers = 64

// unlimited are the settings under which one address may send the whole load.
var unlimited = map[string]string{
	"REDIRECT_RATE": "0", "KEY_RATE": "1e9", "KEY_BURST": "1000000000", "LINKS_PER_DAY": "1000000000",
}

// with returns the settings and more.
func with(more map[string]string) map[string]string {
	settings := maps.Clone(unlimited)
	maps.Copy(settings, more)
	return settings
}

// A side is what one side of a comparison needs while it runs.
type side struct {
	addr string
	key  string // of the API
	stop func() error
}

// api starts the api as it ships, but for the settings, with links to follow.
func api(ctx context.Context, settings map[string]string, links int) (s side, paths []string, err error) {
	c, err := rig.Start(ctx, rig.Options{Only: []string{"api"}, Env: with(settings)})
	if err != nil {
		return side{}, nil, err
	}
	s = side{addr: c.Addr("api-1"), stop: func() error { return c.Stop(context.WithoutCancel(ctx)) }}
	user, err := open(ctx, "http://"+s.addr)
	if err == nil {
		defer user.Close()
		s.key = user.Key
		paths, err = makeLinks(ctx, user, links)
	}
	if err != nil {
		return side{}, nil, errors.Join(err, s.stop())
	}
	return s, paths, nil
}

// bare starts the baseline.
func bare(ctx context.Context) (side, error) {
	env := map[string]string{}
	for variable, name := range map[string]string{"REDIS": "redis", "CASSANDRA": "cassandra"} {
		addr, err := kitenv.Addr(name)
		if err != nil {
			return side{}, err
		}
		env[variable] = addr
	}
	namespace, err := kitenv.Namespace()
	if err != nil {
		return side{}, err
	}
	env["NAMESPACE"] = namespace
	p, err := rig.StartProgram(ctx, ".", "./bench/bare", env)
	if err != nil {
		return side{}, err
	}
	return side{addr: p.Addr, stop: func() error { return p.Stop(context.WithoutCancel(ctx)) }}, nil
}

// follow is a load of redirects over links, in turn, as a person's browser
// asks: from many addresses, behind the edge.
func follow(addr string, paths []string, status int) load.Call {
	return load.HTTP(addr, workers, func(n int) load.Request {
		return load.Request{Path: paths[n%len(paths)], Header: [][2]string{
			{"Host", addr}, {"User-Agent", agent}, {"X-Forwarded-For", visitor(n)}, {"Referer", "https://example.org/a/page"},
		}}
	}, load.Status(status))
}

// agent is an ordinary browser's.
const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// visitor is the address of the nth visitor, one of 65,536.
func visitor(n int) string { return fmt.Sprintf("198.18.%d.%d", n>>8&0xff, n&0xff) }

// fast is the objective under which throughput is compared: what a person
// doesn't notice.
var fast = load.SLO{P99: 20 * time.Millisecond, Failed: 0}

// paused is the objective where each call goes to Cassandra: on two cores shared
// with the load its collector stops it for tens of milliseconds, and a search
// under a stricter one would find out when, not how much it carries.
var paused = load.SLO{P99: 200 * time.Millisecond, Failed: 0}

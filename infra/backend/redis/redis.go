// Package redis is the Redis 7 server as a backend: one node with an
// append-only file, so that what was acknowledged survives a kill of the
// process: the file is written before the answer, and reaches the disk within
// a second, which a crash of the machine may lose. Only while that takes, and for
// two seconds at most, are answers ahead of the file.
//
// Its memory is capped. At the cap it evicts keys that have a TTL, and then
// refuses writes: what is meant to be a cache gives way, and what isn't stays.
package redis

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"designkits/infra/backend"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name = "redis"
	port = "redis"
	// maxMemory caps the data; the process itself takes about 10 MB more, and
	// a rewrite of the append-only file a copy of what changes meanwhile.
	maxMemory = "128mb"
)

var server = provision.Debian{
	Name: name, Program: "redis-server", VersionArgs: []string{"--version"}, Major: "7",
	Packages: []string{"redis-server"}, Services: []string{"redis-server"}, Bytes: 1_700_000,
}

// Backend is Redis.
var Backend = backend.Backend{
	Name:    name,
	Version: "7.0.15",
	Ports:   []backend.Port{{Name: port, Number: 6379}},
	Memory:  192 << 20,
	Sources: []provision.Source{server},
	Units:   units,
	Ready:   ready,
	Drop:    drop,
}

func units(site backend.Site) ([]supervise.Spec, error) {
	program, err := server.Path()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(site.Data, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder of redis: %w", err)
	}
	return []supervise.Spec{{
		Name: name,
		Kind: "backend",
		Command: []string{
			program,
			"--port", strconv.Itoa(site.Ports[port]),
			"--bind", "127.0.0.1",
			"--dir", site.Data,
			"--appendonly", "yes",
			"--appendfsync", "everysec",
			// A rewrite takes a core for a second. With this much it is rare, and what is
			// read at a start is seconds still.
			"--auto-aof-rewrite-min-size", "256mb",
			"--save", "", // the append-only file is enough
			"--maxmemory", maxMemory,
			"--maxmemory-policy", "volatile-lru",
			"--lazyfree-lazy-expire", "yes", // what ends, or has to go, is given back beside the commands
			"--lazyfree-lazy-eviction", "yes",
			"--daemonize", "no",
		},
		Dir:     site.Data,
		Ready:   func(ctx context.Context) error { return ready(ctx, site) },
		Ports:   []int{site.Ports[port]},
		Address: site.Addr(port),
	}}, nil
}

// open makes a client that asks once and doesn't pool: it is used for one
// round trip, or for one sweep.
func open(site backend.Site) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: site.Addr(port), PoolSize: 1, MaxRetries: -1, DialerRetries: 1, DialTimeout: time.Second,
		DisableIdentity: true, ContextTimeoutEnabled: true, Protocol: 2,
	})
}

// ready writes a key and reads it back. A server that still loads its
// append-only file refuses.
func ready(ctx context.Context, site backend.Site) error {
	if err := site.Reach(ctx, port); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	c := open(site)
	defer c.Close()
	const key = "kit:ready"
	want := strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := c.Set(ctx, key, want, time.Minute).Err(); err != nil {
		return fmt.Errorf("redis: SET: %w", err)
	}
	// Somebody else may ask at the same time and write between the two.
	if err := c.Get(ctx, key).Err(); err != nil {
		return fmt.Errorf("redis: GET after SET: %w", err)
	}
	return nil
}

// drop unlinks every key within the namespace, without blocking the server.
func drop(ctx context.Context, site backend.Site, namespace string) error {
	c := open(site)
	defer c.Close()
	var cursor uint64
	for {
		keys, next, err := c.Scan(ctx, cursor, namespace+"*", 1000).Result()
		if err != nil {
			return fmt.Errorf("redis: drop %s: %w", namespace, err)
		}
		var ours []string
		for _, k := range keys {
			if backend.Within(k, namespace) {
				ours = append(ours, k)
			}
		}
		if len(ours) > 0 {
			if err := c.Unlink(ctx, ours...).Err(); err != nil {
				return fmt.Errorf("redis: drop %s: %w", namespace, err)
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

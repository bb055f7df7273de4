// Command keys is the prekey server: it makes accounts, links and signs out
// devices, and keeps the public keys with which conversations begin. It keeps
// nothing of its own, so any number of replicas can run.
package main

import (
	"context"
	"time"

	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/httpapi"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/identity"
	"designkits/shared/cql"
	"designkits/shared/service"
)

func main() { service.Main("keys", run) }

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	// Cassandra must be there at the start; what is away later is said by readyz.
	db, err := cassandra.Open(ctx, cassandra.Config{
		Config: cql.Config{Hosts: cfg.Cassandra, Keyspace: cfg.Namespace}, Timeout: cfg.CassandraTimeout,
	})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { db.Close(); return nil })
	s.Ready("cassandra", db.Ping)
	client := redis.Open(cfg.Redis, cfg.Namespace)
	s.OnClose(client.Close)
	s.Ready("redis", client.Ping)

	keys, err := httpapi.NewKeys(httpapi.KeysConfig{
		Config: httpapi.Config{
			Tokens:   identity.Tokens{Secret: []byte(cfg.TokenSecret), Now: time.Now},
			SignOuts: client.SignOuts(s.Log), Attempts: client.Attempts(), Counter: client, Limits: cfg.limits(),
			Trusted: cfg.TrustedProxies, Origins: cfg.Origins, Log: s.Log, Metrics: s.Metrics,
		},
		Accounts: db.Accounts(), Prekeys: db.Prekeys(), LinkCodes: client.LinkCodes(), Presence: db.PresenceSettings(),
	})
	if err != nil {
		return err
	}
	return s.Serve(ctx, cfg.Listen, keys.Handler())
}

// Command api is one replica of the shortener: it redirects, makes links,
// tells how often they were followed, and serves the page. It keeps nothing of
// its own but clicks on disk while Kafka is away, so any number of replicas can
// run, each with a folder of its own for that.
package main

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/adapters/edge"
	"designkits/cases/shortener/adapters/httpapi"
	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/adapters/redis"
	"designkits/cases/shortener/clicks"
	"designkits/cases/shortener/codes"
	"designkits/cases/shortener/target"
	"designkits/cases/shortener/web"
	"designkits/shared/service"
)

func main() { service.Main("api", run) }

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	consistency, err := cassandra.ParseConsistency(cfg.Consistency)
	if err != nil {
		return err
	}
	// Away is what each of these may be later; at the start Cassandra must be there.
	failed := &failures{}
	db, err := cassandra.Open(ctx, cassandra.Config{
		Observe: failed.observe,
		Hosts:   cfg.Cassandra, Keyspace: cfg.Namespace, ReplicationFactor: cfg.Replication, Consistency: consistency, Now: cfg.Variants.clock, NextVersion: cfg.Variants.nextVersion(),
	})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { db.Close(); return nil })
	s.Ready("cassandra", db.Ping)
	numbers, err := codes.NewPermutation([]byte(cfg.CodeKey))
	if err != nil {
		return err
	}
	links := db.Links(numbers)
	store, err := openStores(ctx, s, cfg, db, links, failed)
	if err != nil {
		return err
	}
	cache := redis.Open(cfg.Redis, cfg.Namespace)
	s.OnClose(cache.Close)
	clickLog, err := kafka.NewClickLog(cfg.Kafka, cfg.Namespace)
	if err != nil {
		return err
	}
	s.OnClose(clickLog.Close)

	breaker := cfg.Variants.breaker(func(from, to string) {
		s.Log.Warn("the breaker before Redis changed", "from", from, "to", to)
	})
	guarded, changes := shortener.GuardCache(cache.Cache(), breaker), cache.Changes(s.Log)
	resolver := shortener.NewResolver(store.links, guarded, changes, shortener.ResolverConfig{
		Memory: cfg.CacheBytes, SharedFor: cfg.SharedFor, Clock: cfg.Variants.clock,
	})
	s.OnClose(func(context.Context) error { resolver.Close(); return nil })
	publisher := shortener.NewPublisher(resolver, cache.Cache(), changes, maxUntold)
	generator, err := codes.NewGenerator(ctx, []byte(cfg.CodeKey), codes.Region{RangeStore: store.ranges, Number: cfg.Region, Regions: cfg.Regions}, codes.RangeSize)
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { generator.Close(); return nil })
	coder, err := cfg.Variants.coder(generator)
	if err != nil {
		return err
	}
	blocked, err := target.DefaultBlocklist()
	if err != nil {
		return err
	}
	recorder, err := clicks.NewRecorder(clicks.RecorderConfig{
		Log: cfg.Variants.clickLog(clickLog), Visitors: clicks.NewVisitors(ctx, db.Salts()), SpoolDir: cfg.Spool, Logger: s.Log,
	})
	if err != nil {
		return err
	}
	limiter := shortener.NewFallbackLimiter(cache.Limiter(), shortener.NewLocalLimiter(limitedAtOnce, cfg.Variants.clock), breaker)
	var visits interface{ Record(clicks.Visit) } = recorder
	if !cfg.RecordClicks {
		visits = clicks.Uncounted{}
	}
	site, err := web.New()
	if err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	system := &httpapi.System{
		Replica: cfg.Replica, Started: time.Now().UTC(), Breaker: breaker, Changes: changes, Publisher: publisher,
		Resolver: resolver, Limiter: limiter, Recorder: recorder,
		Redis: cache.Ping, Cassandra: db.Ping, Kafka: clickLog.Ping,
	}
	measure(s.Metrics, system, failed)
	if cfg.EdgeCacheFor > 0 {
		front := edge.New(cfg.Edge)
		publisher.Edge = front
		measureEdge(s.Metrics, front)
		s.Go("take the edge's log", func(ctx context.Context) error { return front.Listen(ctx, cfg.Listen, visits.Record) })
	}
	if cfg.Variants.ClockOffset != 0 {
		s.Go("let the clock jump", cfg.Variants.jumps())
	}
	s.Go("hear changes", resolver.Follow)
	s.Go("tell changes", publisher.Run)
	s.Go("record clicks", recorder.Run)
	api := httpapi.New(httpapi.Config{
		Links: &shortener.Links{
			Store: store.links, Codes: coder, Publisher: publisher, Forget: db.Stats(),
			Erasers: []shortener.Eraser{links, changes, cache.Limiter()}, Clock: cfg.Variants.clock,
			Policy: target.Policy{OwnHosts: []string{cfg.PublicURL.Host}, Blocked: blocked, Unchecked: !bool(cfg.Variants.TargetChecks)},
		},
		Resolver: cfg.Variants.resolver(resolver), Stats: db.Stats(), Keys: db.Keys(), Visits: visits,
		Limiter: cfg.Variants.limiter(limiter), Gate: cfg.Variants.gate(cfg.RedirectRate, cfg.RedirectBurst),
		EdgeFor: cfg.EdgeCacheFor, PermanentFor: cfg.Variants.PermanentFor, Clock: cfg.Variants.clock,
		Site: site, System: system, PerDay: cfg.KeysPerDay,
		NewKeys: shortener.Key{Rate: cfg.KeyRate, Burst: cfg.KeyBurst, LinksPerDay: cfg.LinksPerDay},
		Public:  &cfg.PublicURL, FramedBy: cfg.FramedBy, Trusted: cfg.TrustedProxies, Counts: &cfg.Analytics,
		Log: s.Log, Metrics: s.Metrics, Draining: s.Draining(),
	})
	return s.Serve(ctx, cfg.Listen, api.Handler())
}

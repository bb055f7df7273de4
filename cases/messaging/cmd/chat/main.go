// Command chat orders, stores and fans out the messages of the partitions that it
// owns. Any number may run: they share the partitions by the ring, and when one
// dies the others take over what it had.
package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/chatapi"
	"designkits/cases/messaging/adapters/kafka"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/adapters/zookeeper"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/operator"
	"designkits/shared/cql"
	"designkits/shared/service"
)

func main() { service.Main("chat", run) }

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	db, err := cassandra.Open(ctx, cassandra.Config{Config: cql.Config{Hosts: cfg.Cassandra, Keyspace: cfg.Namespace}})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { db.Close(); return nil })
	s.Ready("cassandra", db.Ping)
	at := kafka.Config{Brokers: cfg.Kafka, Namespace: cfg.Namespace, Unfenced: cfg.Variants.unfenced()}
	deliveries, err := kafka.NewDeliveries(at)
	if err != nil {
		return err
	}
	s.OnClose(deliveries.Close)
	log, err := kafka.NewLog(at)
	if err != nil {
		return err
	}
	s.OnClose(log.Close)
	s.Ready("kafka", deliveries.Ping)
	zoo, err := zookeeper.Open(zookeeper.Config{Servers: cfg.ZooKeeper, Namespace: cfg.Namespace, Timeout: cfg.SessionTimeout, Log: s.Log})
	if err != nil {
		return err
	}
	s.OnClose(zoo.Close)
	s.Ready("zookeeper", zoo.Ping)

	var gateways atomic.Pointer[[]string]
	gateways.Store(&[]string{})
	router := &fanout.Router{Deliveries: deliveries, All: func() []string { return *gateways.Load() }}
	var reports operator.Reports
	if cfg.Redis != "" {
		store := redis.Open(cfg.Redis, cfg.Namespace)
		s.OnClose(store.Close)
		router.Routes, reports = store.Routes(), store.Reports()
		router.Unrouted = func(err error) { s.Log.Warn("each gateway is told everything", "error", err.Error()) }
	}
	devices := &fanout.Devices{From: db.Accounts().Devices, Now: time.Now}
	owned := &partitions{
		log: log, history: db.History(), rosters: db.Rosters(), words: s.Log, metrics: newMetrics(s.Metrics),
		fanout: fanout.Config{
			History: db.History(), Inbox: db.Inbox(), Receipts: db.Receipts(), Rosters: db.Rosters(), Devices: devices.Of, WriteUpTo: cfg.WriteUpTo,
			Announcer: router,
		},
	}
	owned.metrics.watch(s.Metrics, owned)
	if reports != nil {
		s.Go("report", func(ctx context.Context) error {
			return operator.Keep(ctx, reports, cfg.Chat, owned.report, func(err error) { s.Log.Debug("no report", "error", err.Error()) })
		})
	}
	owners := zoo.NewOwners()
	s.Go("watch gateways", func(ctx context.Context) error {
		return zoo.Watch(ctx, zookeeper.Gateways, func(members []zookeeper.Member) { gateways.Store(names(members)) })
	})
	s.Go("watch owners", owners.Run)
	s.Go("own partitions", func(ctx context.Context) error {
		at, err := s.Addr(ctx)
		if err != nil {
			return nil // it ends before it served
		}
		self := zookeeper.Member{Name: cfg.Chat, Address: cfg.address(at)}
		work, ctx := errgroup.WithContext(ctx)
		work.Go(func() error { return zoo.Register(ctx, zookeeper.Chats, self) })
		work.Go(func() error { return zoo.NewLeases(self.Name, self.Address).Run(ctx, owned.hold) })
		return work.Wait()
	})
	api := chatapi.NewServer(chatapi.Config{Owner: owned.owner, Owners: owners.All, Log: s.Log})
	return s.Serve(ctx, cfg.Listen, api.Handler())
}

func names(members []zookeeper.Member) *[]string {
	all := make([]string, len(members))
	for i, m := range members {
		all[i] = m.Name
	}
	return &all
}

// Command gateway holds the connections of devices: what they send it brings to
// the chat processes, and what is announced it brings to them. It keeps nothing
// that others need, so any number may run, and when one dies its devices go to
// the others and miss nothing.
package main

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/chatapi"
	"designkits/cases/messaging/adapters/gatewayapi"
	"designkits/cases/messaging/adapters/kafka"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/adapters/websocket"
	"designkits/cases/messaging/adapters/zookeeper"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/operator"
	"designkits/cases/messaging/session"
	"designkits/cases/messaging/web"
	"designkits/cases/messaging/wire"
	"designkits/shared/cql"
	"designkits/shared/peer"
	"designkits/shared/service"
)

func main() { service.Main("gateway", run) }

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	db, err := cassandra.Open(ctx, cassandra.Config{Config: cql.Config{Hosts: cfg.Cassandra, Keyspace: cfg.Namespace}, Timeout: cfg.CassandraTimeout})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { db.Close(); return nil })
	s.Ready("cassandra", db.Ping)
	store := redis.Open(cfg.Redis, cfg.Namespace)
	s.OnClose(store.Close)
	deliveries, err := kafka.NewDeliveries(kafka.Config{Brokers: cfg.Kafka, Namespace: cfg.Namespace})
	if err != nil {
		return err
	}
	s.OnClose(deliveries.Close)
	zoo, err := zookeeper.Open(zookeeper.Config{Servers: cfg.ZooKeeper, Namespace: cfg.Namespace, Log: s.Log})
	if err != nil {
		return err
	}
	s.OnClose(zoo.Close)
	s.Ready("zookeeper", zoo.Ping)
	owners := zoo.NewOwners()
	s.Go("watch owners", owners.Run)
	chat := chatapi.NewClient(owners)
	s.OnClose(func(context.Context) error { chat.Close(); return nil })

	tokens := identity.Tokens{Secret: []byte(cfg.TokenSecret), Now: time.Now}
	devices := &fanout.Devices{From: db.Accounts().Devices, Now: time.Now}
	metrics := newMetrics(s.Metrics)
	history := &session.Together{History: db.History(), Alone: cfg.Variants.Coalescing == "off"}
	g := &gateway{service: s, cfg: cfg, store: store, deliveries: deliveries, zoo: zoo, metrics: metrics, history: history}
	g.hub = session.New(session.Config{
		Gateway: cfg.Gateway, Chat: chat, Inbox: db.Inbox(), History: history, Rosters: db.Rosters(), Members: db.Rosters(),
		Receipts: db.Receipts(), Devices: devices.Of, Routes: store.Routes(), Peers: store.Peers(), Limits: store,
		Presence: store.Presence(), Settings: db.PresenceSettings(),
		Resume: tokens.SignResume, Log: s.Log, Rate: float64(cfg.FramesASecond), Burst: float64(4 * cfg.FramesASecond),
		Creates: cfg.ConversationsNew, Conversations: cfg.Conversations, Stored: chat.Acknowledged, Took: metrics.took,
	})
	g.connections, err = websocket.New(websocket.Config{
		Origins: cfg.Origins, Protocols: []string{identity.Protocol}, Connections: cfg.Connections, PerAddress: cfg.PerAddress,
		Address:    func(r *http.Request) netip.Addr { return peer.Network(peer.Address(r, cfg.TrustedProxies)) },
		MaxMessage: wire.MaxFrame, Resume: wire.Encode(wire.Lagging{}), Observer: metrics,
	})
	if err != nil {
		return err
	}
	metrics.watch(s.Metrics, g)
	s.Before = g.before
	s.Ready("deliveries", g.ready)
	all := &overlook{owners: owners, store: store}
	s.Go("watch gateways", func(ctx context.Context) error { return zoo.Watch(ctx, zookeeper.Gateways, all.gateways.changed) })
	s.Go("watch chat processes", func(ctx context.Context) error { return zoo.Watch(ctx, zookeeper.Chats, all.chats.changed) })
	s.Go("report", func(ctx context.Context) error {
		return operator.Keep(ctx, store.Reports(), cfg.Gateway, g.report(), func(err error) { s.Log.Debug("no report", "error", err.Error()) })
	})
	s.Go("serve devices", g.serve)

	page, err := web.Handler(web.Config{FramedBy: cfg.FramedBy, Origins: cfg.Origins, Blobs: cfg.Blobs, WASM: cfg.WASM, Log: s.Log})
	if err != nil {
		return err
	}
	api := gatewayapi.New(gatewayapi.Config{
		Hub: g.hub, Tokens: tokens, Tries: store, SignedOut: store.SignOuts(s.Log).SignedOut, Accounts: db.Accounts(),
		Gateways: all.gateways.now, Operator: gatewayapi.Operator{Secret: cfg.OperatorSecret, View: all.view}, Ready: g.listening.Load,
		PerAddress: cfg.AddressConnects, PerPerson: cfg.PersonConnects, Trusted: cfg.TrustedProxies, Origins: cfg.Origins,
		Keys: cfg.Keys, Media: cfg.Media, Page: page, Log: s.Log,
	})
	handler, err := api.Handler(g.connections.Handler(opened(api)))
	if err != nil {
		return err
	}
	return s.Serve(ctx, cfg.Listen, handler)
}

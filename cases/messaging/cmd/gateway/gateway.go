package main

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/kafka"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/adapters/websocket"
	"designkits/cases/messaging/adapters/zookeeper"
	"designkits/cases/messaging/session"
	"designkits/shared/service"
)

// A gateway is what serves devices from the process's start to its end.
type gateway struct {
	service     *service.Service
	cfg         config
	store       *redis.Client
	deliveries  *kafka.Deliveries
	zoo         *zookeeper.Session
	metrics     *metrics
	hub         *session.Hub
	history     *session.Together
	connections *websocket.Server
	listening   atomic.Bool // what is announced is heard
}

// drainWithin is how long devices may take to go elsewhere. It leaves time to
// close what is below within service.StopWithin.
const drainWithin = 5 * time.Second

// before refuses who opens connections and says nothing on them.
func (g *gateway) before(l net.Listener) net.Listener {
	return websocket.Handshakes(l, g.cfg.UnfinishedOfOne, g.metrics)
}

func (g *gateway) ready(context.Context) error {
	if !g.listening.Load() {
		return errors.New("what is announced to devices isn't heard yet")
	}
	return nil
}

// serve does what devices need until the process stops, and then moves them to
// other gateways: what is announced goes on being delivered until the last has gone.
func (g *gateway) serve(ctx context.Context) error {
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	work, living := errgroup.WithContext(living)
	registered, leave := context.WithCancel(living)
	defer leave()
	hears := make(chan struct{})
	work.Go(func() error {
		return g.deliveries.Follow(living, g.cfg.Gateway, g.service.Log, func() { close(hears) }, g.hub.Deliver)
	})
	work.Go(func() error { return g.hub.Run(living) })
	work.Go(func() error { return g.store.Peers().Hear(living, g.cfg.Gateway, g.hub, g.service.Log) })
	work.Go(func() error {
		return g.store.SignOuts(g.service.Log).Follow(living, g.signOut, func() { g.hub.Refresh(living) })
	})
	work.Go(func() error { return g.register(registered, hears) })

	select {
	case <-g.service.Draining():
	case <-ctx.Done():
	case <-living.Done(): // one of them has failed
	}
	leave()
	g.hub.Move(drainWithin / 2)
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	if err := g.connections.Drain(draining); err != nil {
		g.service.Log.Warn("connections were cut off", "error", err.Error())
	}
	g.connections.Close()
	g.hub.Close()
	end()
	if err := work.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// signOut ends a device's connection, if it is here.
func (g *gateway) signOut(a messaging.Address) {
	g.hub.End(session.Route{Device: a}, session.Revoked)
}

// register tells of this gateway once it hears what is announced.
func (g *gateway) register(ctx context.Context, hears <-chan struct{}) error {
	select {
	case <-hears:
	case <-ctx.Done():
		return nil
	}
	at, err := g.service.Addr(ctx)
	if err != nil {
		return nil // it ends before it served
	}
	g.listening.Store(true)
	return g.zoo.Register(ctx, zookeeper.Gateways, zookeeper.Member{Name: g.cfg.Gateway, Address: g.cfg.address(at)})
}

package main

import (
	"context"
	"sync/atomic"
	"time"

	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/adapters/zookeeper"
	"designkits/cases/messaging/operator"
	"designkits/cases/messaging/session"
)

// registered are the processes of a kind, as ZooKeeper has told last.
type registered struct {
	all atomic.Pointer[[]operator.Process]
}

func (r *registered) changed(members []zookeeper.Member) {
	all := make([]operator.Process, len(members))
	for i, m := range members {
		all[i] = operator.Process{Name: m.Name, Address: m.Address}
	}
	r.all.Store(&all)
}

func (r *registered) now() []operator.Process {
	if all := r.all.Load(); all != nil {
		return *all
	}
	return nil
}

// An overlook is what this gateway can tell of all processes.
type overlook struct {
	gateways, chats registered
	owners          *zookeeper.OwnerMap
	store           *redis.Client
}

func (o *overlook) view(ctx context.Context) (operator.View, error) {
	return operator.Look(ctx, o.store.Reports(), time.Now(), o.gateways.now(), o.chats.now(), o.owners.All())
}

// report returns what the gateway says of itself, each time of the time since the last.
func (g *gateway) report() func(now time.Time) operator.Report {
	last, at := counted(&g.hub.Counts), time.Now()
	return func(now time.Time) operator.Report {
		counts := counted(&g.hub.Counts)
		t := operator.Traffic{Connections: g.connections.Connections(), Devices: g.hub.Devices(), PerSecond: counts.Since(last, now.Sub(at))}
		last, at = counts, now
		return operator.Report{At: now.UTC(), Gateway: &t}
	}
}

// counted are the counts since the process began.
func counted(c *session.Counts) operator.Rates {
	n := func(of *atomic.Int64) float64 { return float64(of.Load()) }
	return operator.Rates{
		Sent: n(&c.Sent), Delivered: n(&c.Delivered), Acknowledged: n(&c.Acknowledged),
		Told: n(&c.Told), CaughtUp: n(&c.Caught), Refused: n(&c.Refused),
	}
}

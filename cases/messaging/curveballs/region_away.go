package curveballs

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/crowd"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// RegionAway is a region with half of the gateways and half of the owners that goes
// away in one moment.
var RegionAway = curveball.Experiment{
	Name:       "region-away",
	Question:   "One of two regions goes away in the middle of everything: its gateways, its chat processes, all at once. For how long does nobody's message get through, and which are lost?",
	Hypothesis: "None is lost. Conversations whose owner was there wait for its lease to end and for the other region's processes to take them over: seconds.",
	Answer: `Nothing of a region's processes is missed but the leases that they hold, and those end by themselves: then the ring gives their
partitions to who is left ([Run](adapters/zookeeper/leases.go)), who first applies what was committed and not applied. So the length of a lease is how long a conversation
waits; it can be short, since a lease lost by mistake costs a moment and no order (see two-owners). The stores are another matter. Kafka, Cassandra and ZooKeeper need a majority that survives,
so two regions are not enough: three, each with one copy, and each commit waits for the nearest other one, some ten milliseconds. In two regions either one of them has the
majority and the other stands still without it, or each conversation has a home and is away with it. Here the stores are one server each, and stay; that Cassandra dies and comes back, all of it, is in the bench soak.`,
	Expect: curveball.Bands{
		curveball.AtMost("longest time that a message waits", "s", 20),
		curveball.AtMost("lost, twice or out of order, of 600 on 20 screens", "", 0),
	},
	Control: curveball.With("leases of a minute, so that none is lost by mistake", "SESSION_TIMEOUT", "1m"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		west, err := start(ctx, t, rig.Options{EnvOf: region("west")})
		if err != nil {
			return err
		}
		east, err := start(ctx, t, rig.Options{EnvOf: region("east"), Namespace: west.Namespace})
		if err != nil {
			return err
		}
		gateways := append(west.Gateways(), east.Gateways()...)
		const pairs, each = 10, 30
		people, err := west.People(ctx, 2*pairs, 1)
		if err != nil {
			return err
		}
		var everybody []messaging.Address
		for _, p := range people {
			everybody = append(everybody, p[0])
		}
		// All are looked after by the site that stays.
		devices, err := east.Connect(ctx, func() []string { return gateways }, nil, everybody...)
		if err != nil {
			return err
		}
		var said, longest atomic.Int64
		all, talking := errgroup.WithContext(ctx)
		var conversations []messaging.ConversationID
		for i := range pairs {
			by := [2]messaging.Address{everybody[2*i], everybody[2*i+1]}
			c := messaging.DirectID(by[0].User, by[1].User)
			conversations = append(conversations, c)
			if err := east.begin(ctx, devices[by[0]], c, "", by[1].User); err != nil {
				return err
			}
			for _, a := range by {
				all.Go(func() error {
					for n := range each {
						began := time.Now()
						if _, err := east.say(talking, devices[a], text(c, fmt.Sprint("number ", n))); err != nil {
							return err
						}
						said.Add(1)
						took := time.Since(began).Milliseconds()
						for was := longest.Load(); took > was && !longest.CompareAndSwap(was, took); was = longest.Load() {
						}
					}
					return nil
				})
			}
		}
		err = crowd.Await(ctx, time.Minute, "messages said", pairs*each/2, func() int { return int(said.Load()) })
		if err != nil {
			return err
		}
		t.Phase("the west goes away; %d of %d messages are said", said.Load(), 2*pairs*each)
		for _, name := range west.Names() {
			if err := west.Lose(name); err != nil {
				return err
			}
		}
		if err := all.Wait(); err != nil {
			return err
		}
		var v audit.Verdict
		for i, c := range conversations {
			both := everybody[2*i : 2*i+2]
			for _, a := range both {
				if err := east.shows(ctx, a, c, 1+2*each, time.Minute); err != nil {
					return err
				}
			}
			one, err := east.check(ctx, c, both...)
			if err != nil {
				return err
			}
			v.Add(one)
		}
		t.Figure("longest time that a message waits", float64(longest.Load())/1000)
		t.Figure("lost, twice or out of order, of 600 on 20 screens", float64(v.Lost+v.Twice+v.OutOfOrder))
		return nil
	},
}

// region gives processes names of their own, so that those of two can be told apart.
func region(name string) map[string]map[string]string {
	return map[string]map[string]string{
		"gateway-1": {"GATEWAY": name + "-1"}, "gateway-2": {"GATEWAY": name + "-2"},
		"chat-1": {"CHAT": name + "-chat-1"}, "chat-2": {"CHAT": name + "-chat-2"},
	}
}

package curveballs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/crowd"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// GatewayDies is a gateway that dies with all connections that it holds.
var GatewayDies = curveball.Experiment{
	Name:       "gateway-dies",
	Question:   "A gateway dies with 10,000 connections, while 20 of those people are being written to. What do they miss, and how long are all of them away?",
	Hypothesis: "Nothing is missing on any screen, and all are back within 10 s, and none has to come back twice: the others take them over, and each catches up from its inbox.",
	Answer: `A gateway keeps nothing that others need. Where a device is stands in Redis and is written anew when it connects elsewhere;
what was on its way to the dead gateway nobody acknowledges, so that after two seconds the owner writes it into the device's
inbox and gives notice of it ([Settle](fanout/open.go)). A device that is back asks for its inbox first and is sent what is new behind that
([resume](session/resume.go)), and it sees by the numbers what could still be missing. That not all come at once is
the devices' doing: each waits for a random time, and longer after each try ([Run](device/device.go)). A client that only listens, as one
does on a socket that "delivers", misses what was said while it was away, and nothing tells it. (9,980 of the 10,000 have no conversation, so
that their inboxes are empty. All are on this machine, and so is their end of each connection.)`,
	Expect: curveball.Bands{
		curveball.AtMost("messages missing on the screens, of 820", "", 0),
		curveball.AtMost("messages twice or out of order", "", 0),
		curveball.AtMost("until the others are back", "s", 10),
		curveball.AtMost("connections that end once more, in the 20 s after", "", 0),
	},
	Control: curveball.With("clients that only listen", "clients", "listen"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		first, second := []string{s.Addr("gateway-1")}, []string{s.Addr("gateway-2")}
		var gateways, readers atomic.Pointer[[]string]
		gateways.Store(&first)
		readers.Store(&first)
		nobody := make([]messaging.Address, 9980)
		for i := range nobody {
			nobody[i] = crowd.Nobody()
		}
		idle := map[messaging.Address]*device.Device{}
		for some := range slices.Chunk(nobody, 500) { // on a busy machine all at once would run into their own timeouts
			connected, err := s.Connect(ctx, func() []string { return *gateways.Load() }, nil, some...)
			if err != nil {
				return err
			}
			maps.Copy(idle, connected)
		}
		ended := map[messaging.Address]int{} // connections, before
		back := func() (n int) {
			for a, d := range idle {
				if d.Ends() > ended[a] && d.Current() {
					n++
				}
			}
			return n
		}
		// Servers that have run for days aren't cold, as Cassandra's compiler is here at
		// first: once the same gateway is killed before anybody talks.
		if err := s.Kill(ctx, "gateway-1"); err != nil {
			return err
		}
		if err := crowd.Await(ctx, 2*time.Minute, "devices are back at the one that was killed", len(idle), back); err != nil {
			return err
		}
		const pairs, each = 20, 20
		people, err := s.People(ctx, 2*pairs, 1)
		if err != nil {
			return err
		}
		var talks []*talk
		for i := range pairs {
			k := &talk{from: people[2*i][0], to: people[2*i+1][0]}
			writers, err := s.Connect(ctx, func() []string { return second }, nil, k.from)
			if err != nil {
				return err
			}
			k.writer, k.conversation = writers[k.from], messaging.DirectID(k.from.User, k.to.User)
			k.reader = s.listen(t, k.to, func() []string { return *readers.Load() })
			talks = append(talks, k)
		}
		err = crowd.Await(ctx, time.Minute, "readers have caught up", pairs, func() (n int) {
			for _, k := range talks {
				if k.reader.Current() {
					n++
				}
			}
			return n
		})
		if err != nil {
			return err
		}
		if err := s.talk(ctx, talks, each, true); err != nil {
			return err
		}
		both := s.Gateways()
		gateways.Store(&both)
		readers.Store(&[]string{}) // they have no network while they are written to
		for a, d := range idle {
			ended[a] = d.Ends()
		}
		t.Phase("gateway-1 is killed, with 10,000 connections")
		began := time.Now()
		killed := make(chan error, 1)
		go func() { killed <- s.Kill(ctx, "gateway-1") }() // it is started again at once, as a supervisor does
		err = crowd.Await(ctx, 2*time.Minute, "devices are back", len(idle), back)
		t.Figure("until the others are back", time.Since(began).Seconds())
		if err = errors.Join(err, <-killed); err != nil {
			return err
		}
		if err := s.talk(ctx, talks, each, false); err != nil {
			return err
		}
		t.Phase("the readers are back")
		readers.Store(&second)
		_ = crowd.Await(ctx, 30*time.Second, "messages shown", pairs*(1+2*each), func() (n int) { // it is judged below
			for _, k := range talks {
				n += s.Book.Count(k.to, k.conversation)
			}
			return n
		})
		// Longer than a route holds on, and than a gateway's sweep.
		if err := t.Wait(ctx, 20*time.Second); err != nil {
			return err
		}
		again := 0
		for a, d := range idle {
			again += d.Ends() - ended[a] - 1
		}
		t.Figure("connections that end once more, in the 20 s after", float64(again))
		var all audit.Verdict
		for _, k := range talks {
			v, err := s.check(ctx, k.conversation, k.to)
			if err != nil {
				return err
			}
			all.Add(v)
		}
		t.Figure("messages missing on the screens, of 820", float64(all.Lost))
		t.Figure("messages twice or out of order", float64(all.Twice+all.OutOfOrder))
		return nil
	},
}

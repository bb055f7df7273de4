package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/crowd"
	"designkits/cases/messaging/wire"
	harness "designkits/shared/bench"
	"designkits/shared/fault"
	"designkits/shared/rig"
)

var soak = harness.Bench{
	Name:  "soak",
	About: "a million messages while gateways, owners of conversations and Cassandra are killed in turn: lost, shown twice, out of order",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		cfg := soaking{messages: 1_000_000, people: 40, rounds: 2}
		if r.Quick {
			cfg = soaking{messages: 4_000, people: 8, rounds: 1}
		}
		kit, err := fault.Open()
		if err != nil {
			return err
		}
		s, err := crowd.Open(ctx, rig.Options{})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close(ctx)) }()
		cfg.site, cfg.kit = s, kit
		return cfg.run(ctx, r)
	},
}

// A soaking is people who talk while everything dies around them.
type soaking struct {
	site     *crowd.Site
	kit      *fault.Client
	messages int64
	people   int
	rounds   int // of kills

	devices map[messaging.Address]*device.Device
	talks   []*circle
	said    atomic.Int64 // begun
	sent    atomic.Int64 // committed
	kills   int          // while they talked
}

// A circle is a conversation with the devices that show it.
type circle struct {
	id      messaging.ConversationID
	devices []messaging.Address
	sent    atomic.Int64
}

func (s *soaking) run(ctx context.Context, r *harness.Run) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute+time.Duration(s.messages)*5*time.Millisecond)
	defer cancel()
	if err := s.begin(ctx); err != nil {
		return err
	}
	began := time.Now()
	all, talking := errgroup.WithContext(ctx)
	for _, c := range s.talks {
		for _, a := range c.devices {
			all.Go(func() error { return s.speak(talking, c, a) })
		}
	}
	all.Go(func() error { return s.kill(talking, r) })
	if err := all.Wait(); err != nil {
		return err
	}
	took := time.Since(began)
	verdict, screens, err := s.check(ctx)
	if err != nil {
		return err
	}
	ends := 0
	for _, d := range s.devices {
		ends += d.Ends()
	}
	r.Logf("%s", verdict)
	note := fmt.Sprintf("of %d messages in %d conversations on %d screens, %.0f/s; %d kills, %d connections ended under them",
		s.sent.Load(), len(s.talks), screens, float64(s.sent.Load())/took.Seconds(), s.kills, ends)
	if verdict.First != "" {
		note += "; " + verdict.First
	}
	for _, row := range []struct {
		name  string
		count int
	}{{"soak-lost", verdict.Lost}, {"soak-twice", verdict.Twice}, {"soak-out-of-order", verdict.OutOfOrder}} {
		r.Report(harness.Result{Name: row.name, Value: float64(row.count), Note: note}, harness.AtMost(0))
		note = ""
	}
	return nil
}

// begin makes people with two devices each, who talk in pairs and in groups of four.
func (s *soaking) begin(ctx context.Context) error {
	people, err := s.site.People(ctx, s.people, 2)
	if err != nil {
		return err
	}
	var all []messaging.Address
	for _, own := range people {
		all = append(all, own...)
	}
	if s.devices, err = s.site.Connect(ctx, s.site.Gateways, nil, all...); err != nil {
		return err
	}
	for _, size := range []int{2, 4} {
		for first := 0; first+size <= len(people); first += size {
			if err := s.meet(ctx, people[first:first+size]); err != nil {
				return err
			}
		}
	}
	return nil
}

// meet begins a conversation of these people.
func (s *soaking) meet(ctx context.Context, people [][]messaging.Address) error {
	c := &circle{id: messaging.NewConversationID(messaging.Group)}
	m := wire.Send{Kind: messaging.Created, Title: "soaked"}
	for i, own := range people {
		c.devices = append(c.devices, own...)
		if i > 0 {
			m.Users = append(m.Users, own[0].User)
		}
	}
	if len(people) == 2 {
		c.id, m.Title = messaging.DirectID(people[0][0].User, people[1][0].User), ""
	}
	m.Conversation = c.id
	s.talks = append(s.talks, c)
	return s.send(ctx, c, c.devices[0], m)
}

// speak sends one message after the other until enough are said.
func (s *soaking) speak(ctx context.Context, c *circle, a messaging.Address) error {
	for s.said.Add(1) <= s.messages {
		if err := s.send(ctx, c, a, wire.Send{Conversation: c.id, Kind: messaging.Posted, Body: messaging.Body{Shared: text}}); err != nil {
			return err
		}
	}
	return nil
}

func (s *soaking) send(ctx context.Context, c *circle, a messaging.Address, m wire.Send) error {
	m.ID = messaging.MessageID(rand.Text())
	sent, err := s.devices[a].Send(ctx, m)
	if err != nil {
		return fmt.Errorf("%s sends to %s: %w", a, c.id, err)
	}
	s.site.Book.Sent(c.id, m.ID, sent.Seq)
	c.sent.Add(1)
	s.sent.Add(1)
	return nil
}

// victims are what is killed, in turn.
var victims = []string{"gateway-1", "chat-1", "gateway-2", "chat-2", "cassandra"}

// kill kills them, spread over the whole time.
func (s *soaking) kill(ctx context.Context, r *harness.Run) error {
	kills := s.rounds * len(victims)
	for n := range kills {
		due := s.messages * int64(n+1) / int64(kills+2)
		if err := crowd.Await(ctx, 20*time.Minute, "messages", int(due), func() int { return int(s.sent.Load()) }); err != nil {
			return err
		}
		if s.said.Load() >= s.messages {
			return fmt.Errorf("soak: all is said, and only %d of %d kills have come: give it more messages", n, kills)
		}
		s.kills++
		victim := victims[n%len(victims)]
		r.Logf("%d of %d messages are sent: %s is killed", s.sent.Load(), s.messages, victim)
		var err error
		if victim == "cassandra" {
			err = errors.Join(s.kit.Kill(ctx, victim), s.kit.Restart(context.WithoutCancel(ctx), victim))
		} else {
			err = s.site.Kill(ctx, victim)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// check waits until every screen shows everything, and compares.
func (s *soaking) check(ctx context.Context) (verdict audit.Verdict, screens int, err error) {
	for _, c := range s.talks {
		for _, a := range c.devices {
			screens++
			// Who doesn't show everything by then has lost it, which is for the book to say.
			_ = crowd.Await(ctx, 2*time.Minute, "messages", int(c.sent.Load()), func() int { return s.site.Book.Count(a, c.id) })
		}
		history, err := audit.Read(ctx, s.site.DB.History(), c.id)
		if err != nil {
			return verdict, screens, err
		}
		verdict.Add(s.site.Book.Check(c.id, history, c.devices...))
	}
	return verdict, screens, nil
}

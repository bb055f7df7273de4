package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// Two people with three devices talk in two conversations, while gateways and a
// chat process are killed under them.
func TestKill9LosesNothingDoublesNothingAndKeepsTheOrder(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(2), s.person(1)
	all := append(append([]messaging.Address{}, ana...), bo...)
	devices := map[messaging.Address]*device.Device{}
	for _, a := range all {
		devices[a] = s.connect(a, s.gateways)
	}
	direct, group := messaging.DirectID(ana[0].User, bo[0].User), messaging.NewConversationID(messaging.Group)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	send := func(by messaging.Address, m wire.Send) error {
		sent, err := devices[by].Send(ctx, m)
		if err == nil {
			s.book.Sent(m.Conversation, m.ID, sent.Seq)
		}
		return err
	}
	for _, begin := range []wire.Send{
		{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo[0].User}},
		{Conversation: group, ID: "created-group-00", Kind: messaging.Created, Users: []messaging.UserID{bo[0].User}, Title: "walks"},
	} {
		if err := send(ana[0], begin); err != nil {
			t.Fatal(err)
		}
	}
	const each = 150
	var said atomic.Int64
	var talking sync.WaitGroup
	for i, by := range all {
		for _, c := range []messaging.ConversationID{direct, group} {
			talking.Go(func() {
				for n := range each {
					if err := send(by, post(c, fmt.Sprintf("m-%s-%d-%012d", c.Kind().Letter(), i, n))); err != nil {
						t.Errorf("message %d of %s in %s: %v", n, by, c, err)
						return
					}
					said.Add(1)
				}
			})
		}
	}
	total := int64(each * 2 * len(all))
	ends := func() (n int) {
		for _, d := range devices {
			n += d.Ends()
		}
		return n
	}
	for i, victim := range []string{"gateway-1", "chat-1", "gateway-2"} {
		testenv.Eventually(t, 2*time.Minute, "some of it is said", func() bool { return said.Load() >= total*int64(i+1)/5 || t.Failed() })
		if said.Load() >= total {
			t.Errorf("%s is killed when all has been said", victim)
		}
		if err := s.Kill(ctx, victim); err != nil {
			t.Fatal(err)
		}
	}
	talking.Wait()
	if ends() == 0 {
		t.Error("no connection has ended: the kills have hit nothing")
	}
	for _, c := range []messaging.ConversationID{direct, group} {
		want := each*len(all) + 1
		for _, a := range all {
			testenv.Eventually(t, time.Minute, fmt.Sprintf("%s shows all of %s (%d)", a, c, want), func() bool { return s.book.Count(a, c) >= want || t.Failed() })
		}
		history := s.history(c)
		if v := s.book.Check(c, history, all...); !v.OK() || len(history) != want {
			t.Errorf("%s: %d messages, want %d; lost %d, twice %d, out of order %d; first: %s", c, len(history), want, v.Lost, v.Twice, v.OutOfOrder, v.First)
		}
	}
	t.Logf("%d messages, %d connections ended under them", total, ends())
}

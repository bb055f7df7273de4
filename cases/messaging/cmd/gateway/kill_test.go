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
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
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
	const each = 50 // at least, and until the last victim is back
	var said atomic.Int64
	var killed atomic.Bool
	want := map[messaging.ConversationID]int{direct: 1, group: 1}
	var counting sync.Mutex // of want
	var talking sync.WaitGroup
	for i, by := range all {
		for _, c := range []messaging.ConversationID{direct, group} {
			talking.Go(func() {
				for n := 0; n < each || !killed.Load(); n++ {
					if err := send(by, post(c, fmt.Sprintf("m-%s-%d-%012d", c.Kind().Letter(), i, n))); err != nil {
						t.Errorf("message %d of %s in %s: %v", n, by, c, err)
						return
					}
					said.Add(1)
					counting.Lock()
					want[c]++
					counting.Unlock()
				}
			})
		}
	}
	ends := func() (n int) {
		for _, d := range devices {
			n += d.Ends()
		}
		return n
	}
	for _, victim := range []string{"gateway-1", "chat-1", "gateway-2"} {
		before := said.Load()
		testenv.Eventually(t, 2*time.Minute, "more is said", func() bool { return said.Load() >= before+100 || t.Failed() })
		if err := s.Kill(ctx, victim); err != nil {
			t.Fatal(err)
		}
	}
	killed.Store(true)
	talking.Wait()
	if ends() == 0 {
		t.Error("no connection has ended: the kills have hit nothing")
	}
	for _, c := range []messaging.ConversationID{direct, group} {
		for _, a := range all {
			testenv.Eventually(t, time.Minute, fmt.Sprintf("%s shows all of %s (%d)", a, c, want[c]), func() bool { return s.book.Count(a, c) >= want[c] || t.Failed() })
		}
		history := s.history(c)
		if v := s.book.Check(c, history, all...); !v.OK() || len(history) != want[c] {
			t.Errorf("%s: %d messages, want %d; lost %d, twice %d, out of order %d; first: %s", c, len(history), want[c], v.Lost, v.Twice, v.OutOfOrder, v.First)
		}
	}
	t.Logf("%d messages, %d connections ended under them", said.Load(), ends())
}

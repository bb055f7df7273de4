package device_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/device"
	"designkits/cases/messaging/wire"
)

// A hall is a roster of many pages, and the device that asks for it.
type hall struct {
	t     *testing.T
	l     *line
	d     *device.Device
	lines []*line               // one for each connection
	whole [][]wire.RosterMember // that the device was told
}

func newHall(t *testing.T) *hall {
	h := &hall{t: t}
	dials := 0
	for range 2 {
		h.lines = append(h.lines, newLine())
	}
	cfg := device.Config{Address: ana, Gateways: func() []string { return []string{"gateway"} },
		Dial: func(context.Context, string, []string) (device.Conn, error) { dials++; return h.lines[dials-1], nil },
		Heard: func(frame any) {
			if f, ok := frame.(*wire.Roster); ok {
				h.whole = append(h.whole, f.Members)
			}
		}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	h.d = device.New(cfg)
	go func() { ended <- h.d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	h.l = h.lines[0]
	h.l.say(wire.Welcome{Device: ana, Gateway: "gateway"})
	return h
}

// one is the only page that was asked for since: the one behind a person.
func (h *hall) one(after messaging.UserID) wire.Members {
	h.t.Helper()
	synctest.Wait()
	asked := h.l.asked()
	if len(asked) != 1 || asked[0].Conversation != walks || asked[0].After != after {
		h.t.Fatalf("asked for is %+v, want what comes behind %q", asked, after)
	}
	return asked[0]
}

// none fails if one was asked for since.
func (h *hall) none() {
	h.t.Helper()
	synctest.Wait()
	if asked := h.l.asked(); len(asked) > 0 {
		h.t.Fatalf("asked for is %+v", asked)
	}
}

// page answers a request.
func page(to wire.Members, more bool, users ...messaging.UserID) wire.Roster {
	r := wire.Roster{Ref: to.Ref, Conversation: to.Conversation, More: more}
	for _, u := range users {
		r.Members = append(r.Members, wire.RosterMember{User: u})
	}
	return r
}

// has fails unless the device was told of whole rosters, the last of these people.
func (h *hall) has(times int, users ...messaging.UserID) {
	h.t.Helper()
	synctest.Wait()
	var last []messaging.UserID
	if len(h.whole) > 0 {
		for _, m := range h.whole[len(h.whole)-1] {
			last = append(last, m.User)
		}
	}
	if len(h.whole) != times || !slices.Equal(last, users) {
		h.t.Fatalf("%d rosters, the last of %v; want %d, of %v", len(h.whole), last, times, users)
	}
}

func TestARosterIsToldWhenAllItsPagesAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.d.Members(walks)
		first := h.one("")
		h.d.Members(walks) // while it is on its way
		h.none()
		h.l.say(page(first, true, "u1", "u2"))
		second := h.one("u2")
		h.l.say(page(first, true, "u1", "u2")) // once more
		h.none()
		h.has(0)
		h.l.say(page(second, false, "u3"))
		h.has(1, "u1", "u2", "u3")
		h.l.say(page(second, false, "u3"))
		h.has(1, "u1", "u2", "u3")
		// The next time another request is answered, and not by what answered this one.
		h.d.Members(walks)
		again := h.one("")
		h.l.say(page(first, true, "u1", "u2"))
		h.none()
		h.l.say(page(again, false, "u1"))
		h.has(2, "u1")
	})
}

func TestARosterGoesOnWhereAConnectionHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.d.Members(walks)
		h.l.say(page(h.one(""), true, "u1", "u2"))
		lost := h.one("u2")
		h.l.say(wire.Lagging{}) // which drops answers
		if again := h.one("u2"); again != lost {
			t.Errorf("asked for again is %+v", again)
		}
		h.l.end()
		h.l = h.lines[1]
		h.l.say(wire.Welcome{Device: ana, Gateway: "gateway"})
		if again := h.one("u2"); again != lost {
			t.Errorf("at the next gateway asked for is %+v", again)
		}
		h.l.say(page(lost, false, "u3"))
		h.has(1, "u1", "u2", "u3")
	})
}

func TestAPageThatIsRefusedForNowIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.d.Members(walks)
		h.l.say(page(h.one(""), true, "u1"))
		refused := h.one("u1")
		h.l.say(wire.Error{Ref: refused.Ref, Kind: "busy", Again: true})
		<-time.After(time.Second) // of the bubble's clock
		h.l.say(page(h.one("u1"), true, "u2"))
		h.l.say(wire.Error{Ref: h.one("u2").Ref, Kind: "not-member"})
		h.has(0)
		h.d.Members(walks)
		h.l.say(page(h.one(""), false, "u1"))
		h.has(1, "u1")
	})
}

// Who knows who is in a large group asks for little, and still gives a frozen gateway up.
func TestAKnockThatIsNotAnsweredEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, shown := newLine(), 0
		d, end := begin(t, l, device.Config{Shown: func(messaging.Message) error { shown++; return nil }})
		l.say(message(1))
		synctest.Wait()
		<-time.After(time.Second)
		l.acks()
		d.Knock(walks)
		synctest.Wait()
		l.mu.Lock()
		asked, ok := l.up[0].(*wire.History)
		l.mu.Unlock()
		if !ok || asked.From != 1 || asked.To != 1 {
			t.Fatalf("asked for is %+v", asked)
		}
		l.say(wire.Page{Ref: asked.Ref, Conversation: walks, Begins: 1, Messages: []messaging.Message{message(1).Message}})
		<-time.After(time.Minute)
		if acks := l.acks(); len(acks) > 0 || shown != 1 || l.ends.Err() != nil {
			t.Errorf("after the answer: %+v, shown %d times, %v", acks, shown, l.ends.Err())
		}
		d.Knock(walks)
		<-time.After(device.AnswerWithin + time.Second)
		if l.ends.Err() == nil {
			t.Error("it isn't given up")
		}
		if err := end(); !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

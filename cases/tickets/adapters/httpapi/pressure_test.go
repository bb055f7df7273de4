package httpapi_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/room"
	"designkits/shared/testenv"
)

// Back pressure from end to end: fans hold seats over HTTP, booking tells how long
// that took, and the door of the waiting room lets fewer in when it takes long, and
// more when it doesn't any more.
func TestTheWaitingRoomSlowsDownWithBooking(t *testing.T) {
	s := newScene(t)
	path := s.event(`{"room":true}`)
	event := eventID(path)
	gate := redis.Open(testenv.Addr(t, "redis"), s.name) // its way to Redis stays fast
	t.Cleanup(func() {
		if err := gate.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	const crowd = 10_000
	var coming errgroup.Group
	coming.SetLimit(64)
	for n := range crowd {
		coming.Go(func() error {
			account := tickets.Account(fmt.Sprint("fan-", n))
			_, err := gate.Room().Join(t.Context(), event, account, room.Lot(secret, event, account))
			return err
		})
	}
	if err := coming.Wait(); err != nil {
		t.Fatal(err)
	}

	const (
		least  = 10.0 // a second
		target = 200 * time.Millisecond
		faster = 5 // is the door's clock
	)
	began := time.Now()
	door := &room.Door{
		Room: gate.Room(), Pressure: gate.Pressure(), Keeper: "the gate", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Events: func() []tickets.Event {
			return []tickets.Event{{ID: event, OnSale: began, Starts: began.Add(100 * time.Hour)}}
		},
		SoldOut:   func(tickets.EventID) bool { return false },
		Admission: func(tickets.Event) *room.Admission { return room.NewAdmission(target, least, 1000) },
		Now:       func() time.Time { return began.Add(faster * time.Since(began)) },
	}
	own(t, door.Run)
	head := func() room.Head {
		t.Helper()
		h, err := gate.Room().Head(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	holds := func() {
		t.Helper()
		fan := s.session("fan")
		var me struct{ Account tickets.Account }
		s.must(200, call{method: "GET", path: "/api/session", session: fan}, &me)
		pass, _, err := s.passes.Sign(event, me.Account)
		if err != nil {
			t.Fatal(err)
		}
		var h hold
		s.must(201, call{method: "POST", path: path + "/holds", session: fan, body: `{"best":{"seats":2}}`, header: map[string]string{"Pass": pass}}, &h)
		s.must(204, call{method: "DELETE", path: path + "/holds/" + h.Hold, session: fan}, nil)
	}
	// in is how many are let in a second by the door's clock, measured over some.
	in := func() float64 {
		t.Helper()
		before, since := head().Served, time.Now()
		var now int64
		testenv.Eventually(t, time.Minute, "some are let in", func() bool { holds(); now = head().Served; return now >= before+50 })
		return float64(now-before) / time.Since(since).Seconds() / faster
	}

	testenv.Eventually(t, time.Minute, "the rate grows while booking is fast", func() bool { holds(); return head().Rate > 15*least })
	fast := in()
	if err := s.redis.Delay(target); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "the rate falls to its least while holds take twice as long as they should", func() bool {
		holds()
		return head().Rate == least
	})
	slow := in()
	if slow > fast/3 {
		t.Errorf("%.0f a second were let in while booking was fast, and %.0f while it was slow", fast, slow)
	}
	if err := s.redis.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "the rate grows again", func() bool { holds(); return head().Rate > 15*least })
}

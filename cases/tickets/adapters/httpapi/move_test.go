package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"designkits/shared/testenv"
)

type moveAnswer struct {
	From, To, Reason string
	Ended            *time.Time
	Seated, Refunded int
}

// A sale in the large hall goes on in the small theatre: whoever fits sits there,
// with other tickets, and the others have their money back.
func TestAnEventMovesToASmallerHall(t *testing.T) {
	s := newScene(t)
	organiser := s.session("organiser")
	event := s.event(`{"venue":"hall","prices":{"1":1000,"2":500,"3":100}}`)
	ann, bob, carl := s.session("fan"), s.session("fan"), s.session("fan")
	pair := s.buy(event, ann, "tok_ok", s.hold(event, ann, `{"seats":["parquet-centre/C/10","parquet-centre/C/11"]}`), "ticketed")
	third := s.buy(event, bob, "tok_ok", s.hold(event, bob, `{"seats":["balcony/A/1","balcony/A/2"]}`), "ticketed")
	basket := s.hold(event, carl, `{"best":{"seats":2}}`)
	for _, bad := range []string{`{"venue":"moon"}`, `{"venue":"hall"}`, `{"venue":"theatre","prices":{"9":1}}`, `{"venue":"theatre","prices":{"1":-1}}`} {
		if a := s.do(call{method: "POST", path: event + "/move", session: organiser, body: bad}); a.status != 422 {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
	if a := s.do(call{method: "GET", path: event + "/move", session: organiser}); a.status != 404 {
		t.Errorf("no move: %d %s", a.status, a.body)
	}
	if a := s.do(call{method: "PUT", path: event, session: organiser, body: fmt.Sprintf(eventBody, "theatre")}); a.status != 422 {
		t.Errorf("another hall without a move: %d %s", a.status, a.body)
	}

	// Orders are "ticketed" until their fans are told; the scene has nobody who does.
	s.tellAll()
	to := call{method: "POST", path: event + "/move", session: organiser, key: "once", body: `{"venue":"theatre"}`}
	for range 2 {
		var asked moveAnswer
		s.must(202, to, &asked)
		if asked.From != "hall" || asked.To != "theatre" {
			t.Fatalf("%+v", asked)
		}
	}
	to.body = `{"venue":"stadium"}`
	if a := s.do(to); a.status != 422 || a.problem().Type != "/problems/key-reused" {
		t.Errorf("the key for another hall: %d %s", a.status, a.body)
	}
	var moved moveAnswer
	testenv.Eventually(t, time.Minute, "the event has moved", func() bool {
		moved = moveAnswer{}
		s.must(200, call{method: "GET", path: event + "/move", session: organiser}, &moved)
		return moved.Ended != nil
	})
	if moved.Seated != 1 || moved.Refunded != 1 || moved.Reason != "" {
		t.Errorf("%+v", moved)
	}
	one := s.await(ann, pair.ID, "done")
	good := map[string]bool{}
	for _, ticket := range one.Tickets {
		if !ticket.Revoked {
			good[ticket.Seat] = true
			s.must(200, call{method: "GET", path: "/api/tickets/" + ticket.Serial + ".svg", session: ann}, nil)
		}
	}
	if len(good) != 2 || len(one.Tickets) != 4 || !strings.HasPrefix(one.Lines[0].Seat, "stalls/") || !good[one.Lines[0].Seat] || !good[one.Lines[1].Seat] {
		t.Errorf("the pair: %+v", one)
	}
	if back := s.await(bob, third.ID, "refunded"); !strings.Contains(back.Reason, "moved") {
		t.Errorf("for whose tier there is no room: %+v", back)
	}

	s.tellAll()
	for session, want := range map[string]string{ann: "Your seats have changed", bob: "The reason: the event has moved"} {
		if a := s.must(200, call{method: "GET", path: "/api/messages", session: session}, nil); !strings.Contains(string(a.body), want) {
			t.Errorf("the fan wasn't told %q: %s", want, a.body)
		}
	}

	// The sale goes on in the new hall.
	testenv.Eventually(t, time.Minute, "the map is the theatre's, with two seats sold", func() bool {
		var state struct {
			Venue       string
			Moving      string
			Seats, Free int
		}
		s.must(200, call{method: "GET", path: event}, &state)
		return state.Venue == "theatre" && state.Moving == "" && state.Seats == 500 && state.Free == 498
	})
	if a := s.do(call{method: "POST", path: event + "/orders", session: carl, body: `{"hold":"` + basket.Hold + `","source":"tok_ok"}`}); a.status < 400 {
		t.Errorf("what was in a basket: %d %s", a.status, a.body)
	}
	if a := s.do(call{method: "POST", path: event + "/holds", session: carl, body: `{"seats":["` + one.Lines[0].Seat + `","` + one.Lines[1].Seat + `"]}`}); a.status != 409 {
		t.Errorf("what the pair has now: %d %s", a.status, a.body)
	}
	s.buy(event, carl, "tok_ok", s.hold(event, carl, `{"best":{"seats":2}}`), "ticketed")
}

const eventBody = `{"name":"A play","venue":"%s","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z","currency":"EUR","prices":{"1":1,"2":1},"perAccount":4,"holdFor":60,"maxHold":600}`

// While orders are on their way the sale is closed, and nothing has changed.
func TestAMoveWaitsForOrdersOnTheirWay(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{}`), s.session("fan")
	basket := s.hold(event, fan, `{"best":{"seats":1}}`)
	o := s.buy(event, fan, "tok_ok", s.hold(event, fan, `{"best":{"seats":1}}`), "ticketed") // and its fan isn't told
	s.must(202, call{method: "POST", path: event + "/move", session: s.session("organiser"), body: `{"venue":"hall","prices":{"3":100}}`}, nil)
	for _, c := range []call{
		{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":1}}`},
		{method: "POST", path: event + "/orders", session: fan, body: `{"hold":"` + basket.Hold + `","source":"tok_ok"}`},
		{method: "POST", path: event + "/move", session: s.session("organiser"), body: `{"venue":"hall","prices":{"3":100}}`}, // another
	} {
		if a := s.do(c); a.status != 409 || a.problem().Type != "/problems/moving" {
			t.Errorf("%s: %d %s", c.path, a.status, a.body)
		}
	}
	if same := s.await(fan, o.ID, "ticketed"); same.Lines[0].Seat != o.Lines[0].Seat {
		t.Errorf("%+v", same)
	}
	s.tellAll()
	if moved := s.await(fan, o.ID, "done"); moved.Lines[0].Seat != o.Lines[0].Seat {
		return // it has
	}
	testenv.Eventually(t, time.Minute, "the order has another seat", func() bool {
		return s.await(fan, o.ID, "done").Lines[0].Seat != o.Lines[0].Seat
	})
}

package httpapi_test

import "testing"

func TestWhenItIsSoldOutPeopleWait(t *testing.T) {
	s := newScene(t)
	event, ann, bob := s.event(`{"perAccount":50}`), s.session("fan"), s.session("fan")
	wait := func(session string) call {
		return call{method: "POST", path: event + "/waitlist", session: session, body: `{"seats":2}`}
	}
	if a := s.do(wait(ann)); a.status != 409 || a.problem().Type != "/problems/not-sold-out" {
		t.Errorf("while there are seats: %d %s", a.status, a.body)
	}
	for range 10 { // of 500
		s.hold(event, s.session("fan"), `{"best":{"seats":50,"together":false}}`)
	}
	if a := s.do(call{method: "POST", path: event + "/holds", session: ann, body: `{"best":{"seats":1}}`}); a.status != 409 || a.problem().Type != "/problems/none-left" {
		t.Errorf("no seat is left: %d %s", a.status, a.body)
	}
	for n, session := range []string{ann, bob, ann} {
		var place struct{ Place int }
		s.must(201, wait(session), &place)
		if want := []int{1, 2, 1}[n]; place.Place != want {
			t.Errorf("place %d, want %d", place.Place, want)
		}
	}
	keyed := wait(ann)
	keyed.key = "wait"
	s.must(201, keyed, nil)
	s.must(201, keyed, nil)
	keyed.body = `{"seats":3}`
	if a := s.do(keyed); a.status != 422 || a.problem().Type != "/problems/key-reused" {
		t.Errorf("the key with another body: %d %s", a.status, a.body)
	}
	list := func(method, session string) call {
		return call{method: method, path: event + "/waitlist", session: session}
	}
	var standing struct{ Place, Seats int }
	if s.must(200, list("GET", bob), &standing); standing.Place != 2 || standing.Seats != 2 {
		t.Errorf("the second stands at %d and wants %d", standing.Place, standing.Seats)
	}
	s.must(204, list("DELETE", ann), nil)
	for _, method := range []string{"GET", "DELETE"} {
		if a := s.do(list(method, ann)); a.status != 404 || a.problem().Type != "/problems/not-waiting" {
			t.Errorf("%s by who has left: %d %s", method, a.status, a.body)
		}
	}
	if s.must(200, list("GET", bob), &standing); standing.Place != 1 {
		t.Errorf("the first has left, and the second stands at %d", standing.Place)
	}
}

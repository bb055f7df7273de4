package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// Every operation, asked for by every role and by nobody: who may not is told so
// before anything else is looked at.
func TestRolesDontCross(t *testing.T) {
	s := newScene(t)
	event, ann := s.event(`{}`), s.session("fan")
	h := s.hold(event, ann, `{"best":{"seats":1}}`)
	o := s.buy(event, ann, "tok_ok", s.hold(event, ann, `{"best":{"seats":1}}`), "ticketed")
	sessions := map[string]string{"nobody": "", "fan": s.session("fan"), "organiser": s.session("organiser"), "door": s.session("door")}
	everybody := "nobody fan organiser door"
	asked := map[string]bool{
		"/api/": true, // what no route answers
		// Open to everybody, and asked for without a session in other tests: a stream,
		// which doesn't end, and what is believed by its signature.
		"GET /api/events/{event}/live": true,
		"POST /api/webhooks/payments":  true,
	}
	for _, c := range []struct {
		method, path, body string
		may                string
	}{
		{"GET", "/api/events", "", everybody},
		{"GET", event, "", everybody},
		{"GET", event + "/map", "", everybody},
		{"GET", event + "/seats", "", everybody},
		{"GET", "/api/openapi.yaml", "", everybody},
		{"POST", "/api/session", "", everybody},
		{"GET", "/api/session", "", "fan organiser door"},
		{"PUT", event, `{}`, "organiser"},
		{"POST", event + "/holds", `{"best":{"seats":1}}`, "fan"},
		{"POST", event + "/holds/" + h.Hold + "/extend", "", "fan"},
		{"DELETE", event + "/holds/" + h.Hold, "", "fan"},
		{"POST", event + "/orders", `{}`, "fan"},
		{"GET", event + "/orders", "", "organiser"},
		{"POST", event + "/vouchers", `{"code":"X","percent":1,"uses":1}`, "organiser"},
		{"POST", event + "/move", `{"venue":"moon"}`, "organiser"},
		{"GET", event + "/move", "", "organiser"},
		{"GET", event + "/figures", "", "organiser"},
		{"GET", event + "/waitlist", "", "fan"},
		{"DELETE", event + "/waitlist", "", "fan"},
		{"POST", event + "/waitlist", `{"seats":1}`, "fan"},
		{"GET", "/api/orders", "", "fan"},
		{"GET", "/api/orders/" + o.ID, "", "fan organiser"},
		{"POST", "/api/orders/" + o.ID + "/refund", `{"seats":["none"]}`, "fan organiser"},
		{"GET", "/api/tickets/" + o.Tickets[0].Serial + ".svg", "", "fan"},
		{"GET", "/api/messages", "", "fan"},
		{"POST", "/api/door/check-in", `{"event":"e","code":"x","door":"a"}`, "door"},
	} {
		asked[s.api.Pattern(s.request(call{method: c.method, path: c.path}))] = true
		for role, session := range sessions {
			got := s.do(call{method: c.method, path: c.path, body: c.body, session: session}).status
			want := 403
			if role == "nobody" {
				want = 401
			}
			if may := strings.Contains(c.may, role); may && (got == 401 || got == 403) || !may && got != want {
				t.Errorf("%s asks for %s %s: %d", role, c.method, c.path, got)
			}
		}
	}
	for _, pattern := range s.api.Patterns() {
		if !asked[pattern] {
			t.Errorf("who may ask for %s? Nobody here does", pattern)
		}
	}
}

// What is one fan's no other fan can see or change, or tell from what doesn't
// exist.
func TestFansDontCross(t *testing.T) {
	s := newScene(t)
	event, ann, bob := s.event(`{}`), s.session("fan"), s.session("fan")
	h := s.hold(event, ann, `{"best":{"seats":1}}`)
	o := s.buy(event, ann, "tok_ok", s.hold(event, ann, `{"best":{"seats":1}}`), "ticketed")
	for _, c := range []call{
		{method: "POST", path: event + "/holds/" + h.Hold + "/extend"},
		{method: "DELETE", path: event + "/holds/" + h.Hold},
		{method: "POST", path: event + "/orders", body: fmt.Sprintf(`{"hold":%q,"source":"tok_ok"}`, h.Hold)},
		{method: "GET", path: "/api/orders/" + o.ID},
		{method: "POST", path: "/api/orders/" + o.ID + "/refund", body: `{}`},
		{method: "GET", path: "/api/tickets/" + o.Tickets[0].Serial + ".svg"},
	} {
		c.session = bob
		if a := s.do(c); a.status != 404 {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
	if now := s.await(ann, o.ID, "ticketed"); now.Tickets[0].Revoked {
		t.Error("another has given the order back")
	}
	if held, _ := heldAndSold(t, s, event); held != 1 {
		t.Errorf("%d seats are held: another has let them go", held)
	}
}

func TestStaffShowTheirSecret(t *testing.T) {
	s := newScene(t)
	for _, body := range []string{
		`{"role":"organiser"}`, `{"role":"organiser","secret":""}`, `{"role":"organiser","secret":"door's"}`, `{"role":"door","secret":"organiser's"}`,
	} {
		if a := s.do(call{method: "POST", path: "/api/session", body: body}); a.status != 403 || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

// The cookie does what the header does.
func TestTheCookieIsASession(t *testing.T) {
	s := newScene(t)
	made := s.must(201, call{method: "POST", path: "/api/session"}, nil)
	cookie, _, _ := strings.Cut(made.header.Get("Set-Cookie"), ";")
	s.must(200, call{method: "GET", path: "/api/orders", header: map[string]string{"Cookie": cookie}}, nil)
}

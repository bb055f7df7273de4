package httpapi_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/receipt"
)

// everything is what a refused request must not change.
func (s *scene) everything(event, fan string) any {
	s.t.Helper()
	states, err := s.claims.Seats(s.t.Context(), eventID(event))
	if err != nil {
		s.t.Fatal(err)
	}
	var all struct{ Orders []any }
	s.must(200, call{method: "GET", path: "/api/orders", session: fan}, &all)
	events, err := s.db.Events().List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return []any{states, all, events}
}

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	s := newScene(t)
	event, fan, organiser := s.event(`{}`), s.session("fan"), s.session("organiser")
	early, late := s.event(`{"onSale":"2098-01-01T00:00:00Z"}`), s.event(`{"starts":"2021-01-01T00:00:00Z"}`)
	h := s.hold(event, fan, `{"seats":["stalls/D/1","stalls/D/2"]}`)
	foreign := s.hold(event, s.session("fan"), `{"seats":["stalls/E/1","stalls/E/2"]}`)
	elsewhere := s.hold(s.event(`{}`), fan, `{"best":{"seats":1}}`)
	forged, err := receipt.Receipts{Secret: []byte("mine")}.Sign(receipt.Receipt{Grant: tickets.Grant{Claim: tickets.Claim{Event: eventID(event)}}})
	if err != nil {
		t.Fatal(err)
	}
	good := `{"name":"x","venue":"theatre","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z","currency":"EUR","prices":{"1":1,"2":1},"perAccount":4,"holdFor":60,"maxHold":600}`
	put := func(old, new string) call {
		body := strings.Replace(good, old, new, 1)
		if body == good {
			t.Fatalf("%s isn't in %s", old, good)
		}
		return call{method: "PUT", path: "/api/events/new", session: organiser, body: body}
	}
	seats := func(body string) call { return call{method: "POST", path: event + "/holds", session: fan, body: body} }
	buy := func(hold, more string) call {
		return call{method: "POST", path: event + "/orders", session: fan, body: fmt.Sprintf(`{"hold":%q%s}`, hold, more)}
	}
	for name, c := range map[string]struct {
		call call
		want int
		kind string
	}{
		"an unknown seat":           {seats(`{"seats":["stalls/Z/1"]}`), 422, "invalid-input"},
		"another hall's seat":       {seats(`{"seats":["balcony/A/1"]}`), 422, "invalid-input"},
		"a seat twice":              {seats(`{"seats":["stalls/A/1","stalls/A/1"]}`), 422, "invalid-input"},
		"too many":                  {seats(`{"seats":["stalls/A/1","stalls/A/2","stalls/A/3","stalls/A/4","stalls/A/5"]}`), 422, "invalid-input"},
		"too many of the best":      {seats(`{"best":{"seats":5}}`), 422, "invalid-input"},
		"none":                      {seats(`{"seats":[]}`), 422, "invalid-input"},
		"nothing":                   {seats(`{}`), 422, "invalid-input"},
		"both":                      {seats(`{"seats":["stalls/A/1"],"best":{"seats":1}}`), 422, "invalid-input"},
		"fewer than none":           {seats(`{"best":{"seats":-1}}`), 422, "invalid-input"},
		"no such section":           {seats(`{"best":{"seats":1,"section":"roof"}}`), 422, "invalid-input"},
		"an orphan":                 {seats(`{"seats":["stalls/A/2"]}`), 422, "orphan-seat"},
		"an unknown member":         {seats(`{"seat":"stalls/A/1"}`), 400, "malformed"},
		"no JSON":                   {seats(`seats`), 400, "malformed"},
		"a list":                    {seats(`["stalls/A/1"]`), 400, "malformed"},
		"a huge body":               {seats(`{"seats":["` + strings.Repeat("x", 70_000) + `"]}`), 413, "too-large"},
		"without a key":             {call{method: "POST", path: event + "/holds", session: fan, key: "-", body: `{"best":{"seats":1}}`}, 400, "key-needed"},
		"a key that is too long":    {call{method: "POST", path: event + "/holds", session: fan, key: strings.Repeat("k", 101), body: `{"best":{"seats":1}}`}, 400, "key-needed"},
		"of another kind":           {call{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":1}}`, header: map[string]string{"Content-Type": "text/plain"}}, 415, "media-type"},
		"from another site":         {call{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":1}}`, header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403, "cross-origin"},
		"no such event":             {call{method: "POST", path: "/api/events/none/holds", session: fan, body: `{"best":{"seats":1}}`}, 404, "unknown"},
		"before the sale":           {call{method: "POST", path: early + "/holds", session: fan, body: `{"best":{"seats":1}}`}, 409, "not-on-sale"},
		"after the event":           {call{method: "POST", path: late + "/holds", session: fan, body: `{"best":{"seats":1}}`}, 409, "not-on-sale"},
		"another's hold":            {buy(foreign.Hold, `,"source":"tok_ok"`), 404, "no-such-hold"},
		"another event's hold":      {buy(elsewhere.Hold, `,"source":"tok_ok"`), 404, "no-such-hold"},
		"a forged hold":             {buy(forged, `,"source":"tok_ok"`), 404, "no-such-hold"},
		"no hold":                   {buy("", `,"source":"tok_ok"`), 404, "no-such-hold"},
		"nothing to pay with":       {buy(h.Hold, ""), 422, "invalid-input"},
		"a price of one's own":      {buy(h.Hold, `,"source":"tok_ok","total":1`), 400, "malformed"},
		"an unknown voucher":        {buy(h.Hold, `,"source":"tok_ok","voucher":"FREE"`), 422, "invalid-input"},
		"extended by another":       {call{method: "POST", path: event + "/holds/" + foreign.Hold + "/extend", session: fan}, 404, "no-such-hold"},
		"let go by another":         {call{method: "DELETE", path: event + "/holds/" + foreign.Hold, session: fan}, 404, "no-such-hold"},
		"a negative price":          {put(`"1":1`, `"1":-1`), 422, "invalid-input"},
		"a price for no tier":       {put(`"1":1`, `"1":1,"9":1`), 422, "invalid-input"},
		"a tier without a price":    {put(`"1":1,`, ``), 422, "invalid-input"},
		"a venue that isn't":        {put(`theatre`, `moon`), 422, "invalid-input"},
		"on sale after it starts":   {put(`2020-01-01`, `2100-01-01`), 422, "invalid-input"},
		"another event's id":        {put(`"name":"x"`, `"name":"x","id":"old"`), 422, "invalid-input"},
		"a hold that is too short":  {put(`"holdFor":60`, `"holdFor":1`), 422, "invalid-input"},
		"a voucher of 101 %":        {call{method: "POST", path: event + "/vouchers", session: organiser, body: `{"code":"X","percent":101,"uses":1}`}, 422, "invalid-input"},
		"a voucher that costs":      {call{method: "POST", path: event + "/vouchers", session: organiser, body: `{"code":"X","percent":-5,"uses":1}`}, 422, "invalid-input"},
		"a time that isn't":         {call{method: "GET", path: event + "/orders?before=now", session: organiser}, 422, "invalid-input"},
		"waiting for more than may": {call{method: "POST", path: event + "/waitlist", session: fan, body: `{"seats":5}`}, 422, "invalid-input"},
		"a place without waiting":   {call{method: "GET", path: event + "/waitlist", session: fan}, 404, "not-waiting"},
		"leaving without waiting":   {call{method: "DELETE", path: event + "/waitlist", session: fan}, 404, "not-waiting"},
		"a list of no event":        {call{method: "GET", path: "/api/events/none/waitlist", session: fan}, 404, "unknown"},
		"a ticket that is forged":   {call{method: "POST", path: "/api/door/check-in", session: s.session("door"), body: `{"event":"e","code":"T1.x","door":"a"}`}, 422, "invalid-input"},
		"no order":                  {call{method: "POST", path: "/api/orders/none/refund", session: fan, body: `{}`}, 404, "unknown"},
		"no ticket":                 {call{method: "GET", path: "/api/tickets/none.svg", session: fan}, 404, "unknown"},
		"a role that isn't":         {call{method: "POST", path: "/api/session", body: `{"role":"owner"}`}, 422, "invalid-input"},
		"nothing there":             {call{method: "GET", path: "/api/nothing"}, 404, "no-such-page"},
		"a method that it hasn't":   {call{method: "DELETE", path: event, session: organiser}, 405, "method"},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.everything(event, fan)
			a := s.do(c.call)
			if p := a.problem(); a.status != c.want || p.Type != "/problems/"+c.kind {
				t.Errorf("%d %s, want %d %s", a.status, a.body, c.want, c.kind)
			}
			if after := s.everything(event, fan); !reflect.DeepEqual(before, after) {
				t.Errorf("before: %v\nafter: %v", before, after)
			}
		})
	}
	if time.Until(h.Until) < 0 {
		t.Error("the hold of the test was over")
	}
}

func TestAnEventWithAWaitingRoomAsksForThePassOfItsAccount(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{"room":true}`), s.session("fan")
	var me struct{ Account tickets.Account }
	s.must(200, call{method: "GET", path: "/api/session", session: fan}, &me)
	sign := func(event tickets.EventID, account tickets.Account, ago time.Duration) string {
		passes := s.passes
		passes.Now = func() time.Time { return time.Now().Add(-ago) }
		pass, _, err := passes.Sign(event, account)
		if err != nil {
			t.Fatal(err)
		}
		return pass
	}
	id := eventID(event)
	for name, c := range map[string]struct {
		pass string
		want string
	}{
		"none":             {"", "pass-needed"},
		"nonsense":         {"x", "pass-invalid"},
		"a session":        {fan, "pass-foreign"},
		"another's":        {sign(id, "thief", 0), "pass-foreign"},
		"another event's":  {sign("other", me.Account, 0), "pass-foreign"},
		"one that is over": {sign(id, me.Account, time.Hour), "pass-expired"},
	} {
		a := s.do(call{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":1}}`, header: map[string]string{"Pass": c.pass}})
		if a.status != 403 || a.problem().Type != "/problems/"+c.want {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if held, _ := heldAndSold(t, s, event); held != 0 {
		t.Errorf("%d seats are held", held)
	}
	s.must(201, call{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":1}}`, header: map[string]string{"Pass": sign(id, me.Account, 0)}}, nil)
}

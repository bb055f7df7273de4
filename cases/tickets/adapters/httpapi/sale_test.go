package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/httpapi"
	"designkits/cases/tickets/payments"
	"designkits/shared/testenv"
)

// From a session to the door, and back with one of the two seats.
func TestASale(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{}`), s.session("fan")
	s.must(201, call{method: "POST", path: event + "/vouchers", session: s.session("organiser"), body: `{"code":"HALF","percent":50,"uses":1}`}, nil)
	h := s.hold(event, fan, `{"best":{"seats":2,"tier":"1"}}`)
	if h.Total != 2000 || len(h.Seats) != 2 || time.Until(h.Until) < 50*time.Second {
		t.Errorf("%+v", h)
	}
	var o order
	placed := s.must(202, call{method: "POST", path: event + "/orders", session: fan, body: fmt.Sprintf(`{"hold":%q,"source":"tok_ok","voucher":"HALF"}`, h.Hold)}, &o)
	if o.Total != 1000 || placed.header.Get("Location") != "/api/orders/"+o.ID {
		t.Errorf("%+v at %s", o, placed.header.Get("Location"))
	}
	o = s.await(fan, o.ID, "ticketed")
	testenv.Eventually(t, time.Minute, "the map shows two seats as sold", func() bool { _, sold := s.shown(event); return sold == 2 })

	picture := s.must(200, call{method: "GET", path: "/api/tickets/" + o.Tickets[0].Serial + ".svg", session: fan}, nil)
	if !bytes.HasPrefix(picture.body, []byte("<svg")) {
		t.Errorf("the QR code is %.40s", picture.body)
	}
	scan := func(n int, key string) answer {
		code, err := s.signer.Sign(tickets.Ticket{
			Serial: tickets.Serial(o.Tickets[n].Serial), Event: eventID(event), Seat: tickets.SeatID(o.Tickets[n].Seat), Order: tickets.OrderID(o.ID),
		})
		if err != nil {
			t.Fatal(err)
		}
		if text := s.do(call{method: "GET", path: "/api/tickets/" + o.Tickets[n].Serial + ".txt", session: fan}); text.status == 200 && string(text.body) != code {
			t.Errorf("its text is %s, want %s", text.body, code)
		}
		return s.do(call{method: "POST", path: "/api/door/check-in", session: s.session("door"), key: key, body: fmt.Sprintf(`{"event":%q,"code":%q,"door":"north"}`, eventID(event), code)})
	}
	for n, want := range []int{200, 200, 409} { // once, its repetition, and somebody else with a copy
		if a := scan(0, []string{"first", "first", "second"}[n]); a.status != want {
			t.Errorf("scan %d: %d %s", n, a.status, a.body)
		}
	}
	if a := scan(1, "first"); a.status != 422 || a.problem().Type != "/problems/key-reused" {
		t.Errorf("another ticket with the key of a scan: %d %s", a.status, a.body)
	}
	// The seat of whoever has come in can't be given back; the other can.
	refund := func(seat string) answer {
		return s.do(call{method: "POST", path: "/api/orders/" + o.ID + "/refund", session: fan, body: fmt.Sprintf(`{"seats":[%q]}`, seat)})
	}
	if a := refund(o.Tickets[0].Seat); a.status != 422 {
		t.Errorf("given back by somebody who is in: %d %s", a.status, a.body)
	}
	if a := refund(o.Tickets[1].Seat); a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := scan(1, "third"); a.status != 409 || a.problem().Type != "/problems/ticket-revoked" {
		t.Errorf("came in with a ticket that was given back: %d %s", a.status, a.body)
	}
	testenv.Eventually(t, time.Minute, "the seat is free again", func() bool { _, sold := s.shown(event); return sold == 1 })

	var figures struct{ Sold, Revenue, Refunded, Refunds, Seats int }
	testenv.Eventually(t, time.Minute, "the figures add up", func() bool {
		s.must(200, call{method: "GET", path: event + "/figures", session: s.session("organiser")}, &figures)
		return figures.Sold == 1 && figures.Revenue == 500 && figures.Refunded == 1 && figures.Refunds == 500 && figures.Seats == 500
	})
	var list struct {
		Orders []struct{ ID, Account string }
	}
	s.must(200, call{method: "GET", path: event + "/orders", session: s.session("organiser")}, &list)
	if len(list.Orders) != 1 || list.Orders[0].ID != o.ID || list.Orders[0].Account == "" {
		t.Errorf("the organiser sees %+v", list)
	}
	if mine := s.must(200, call{method: "GET", path: "/api/orders", session: fan}, nil); !bytes.Contains(mine.body, []byte(o.ID)) || bytes.Contains(mine.body, []byte("account")) {
		t.Errorf("the fan sees %s", mine.body)
	}
}

// eventID is that of an event's path.
func eventID(path string) tickets.EventID {
	return tickets.EventID(strings.TrimPrefix(path, "/api/events/"))
}

func TestADeclinedPaymentFreesTheSeats(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{}`), s.session("fan")
	o := s.buy(event, fan, "tok_declined", s.hold(event, fan, `{"best":{"seats":2}}`), "cancelled")
	if o.Reason == "" || !o.Ended {
		t.Errorf("%+v", o)
	}
	testenv.Eventually(t, time.Minute, "the seats are shown free", func() bool { held, sold := s.shown(event); return held+sold == 0 })
}

func TestHolds(t *testing.T) {
	s := newScene(t)
	event, ann, bob := s.event(`{"holdFor":60,"maxHold":61}`), s.session("fan"), s.session("fan")
	h := s.hold(event, ann, `{"seats":["stalls/C/1","stalls/C/2"]}`)
	taken := call{method: "POST", path: event + "/holds", session: bob, body: `{"seats":["stalls/C/1","stalls/C/2","stalls/C/3"]}`}
	if a := s.do(taken); a.status != 409 || a.problem().Type != "/problems/seats-taken" || !strings.Contains(a.problem().Detail, "stalls/C/2") {
		t.Errorf("%d %s", a.status, a.body)
	}
	// It can be extended up to the event's longest, and no further.
	var longer hold
	s.must(200, call{method: "POST", path: event + "/holds/" + h.Hold + "/extend", session: ann}, &longer)
	if longer.Until.After(longer.Latest.Add(100*time.Millisecond)) || !longer.Until.After(h.Until) || !longer.Latest.Equal(h.Latest) {
		t.Errorf("until %v, at the latest %v, before %v", longer.Until, longer.Latest, h.Latest)
	}
	s.must(204, call{method: "DELETE", path: event + "/holds/" + longer.Hold, session: ann}, nil)
	if a := s.do(call{method: "POST", path: event + "/holds/" + h.Hold + "/extend", session: ann}); a.status != 410 {
		t.Errorf("extended after it was let go: %d %s", a.status, a.body)
	}
	if a := s.do(call{method: "POST", path: event + "/orders", session: ann, body: fmt.Sprintf(`{"hold":%q,"source":"tok_ok"}`, h.Hold)}); a.status != 410 {
		t.Errorf("bought after it was let go: %d %s", a.status, a.body)
	}
	s.must(201, taken, nil)
}

func TestAHoldCantBeKeptForEverByRepeatingIt(t *testing.T) {
	s := newScene(t)
	event, ann := s.event(`{}`), s.session("fan")
	ask := call{method: "POST", path: event + "/holds", session: ann, key: "k", body: `{"seats":["stalls/C/1"]}`}
	var first, again hold
	s.must(201, ask, &first)
	s.must(200, call{method: "POST", path: event + "/holds/" + first.Hold + "/extend", session: ann}, nil)
	s.must(201, ask, &again)
	if again.Latest.After(first.Latest) {
		t.Errorf("at the latest %v, and repeated %v", first.Latest, again.Latest)
	}
}

func TestRepeatedRequestsDoOneThing(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{}`), s.session("fan")
	best := call{method: "POST", path: event + "/holds", session: fan, key: "hold", body: `{"best":{"seats":2}}`}
	var first, again hold
	s.must(201, best, &first)
	s.must(201, best, &again)
	if first.names() != again.names() {
		t.Errorf("held %s, and repeated %s", first.names(), again.names())
	}
	if held, _ := heldAndSold(t, s, event); held != 2 {
		t.Errorf("%d seats are held", held)
	}
	place := call{method: "POST", path: event + "/orders", session: fan, key: "order", body: fmt.Sprintf(`{"hold":%q,"source":"tok_ok"}`, first.Hold)}
	var one, two order
	s.must(202, place, &one)
	s.await(fan, one.ID, "ticketed")
	s.must(202, place, &two) // after its hold has become a sale
	if one.ID != two.ID {
		t.Errorf("orders %s and %s", one.ID, two.ID)
	}
	refund := call{method: "POST", path: "/api/orders/" + one.ID + "/refund", session: fan, key: "refund", body: `{}`}
	s.must(202, refund, nil)
	s.await(fan, one.ID, "refunded")
	s.must(202, refund, nil)

	voucher := call{method: "POST", path: event + "/vouchers", session: s.session("organiser"), key: "voucher", body: `{"code":"TEN","percent":10,"uses":1}`}
	s.must(201, voucher, nil)
	s.must(201, voucher, nil)
	longer := s.hold(event, fan, `{"best":{"seats":1}}`)
	extend := call{method: "POST", path: event + "/holds/" + longer.Hold + "/extend", session: fan, key: "extend"}
	s.must(200, extend, nil)
	s.must(200, extend, nil)

	// What would do something with a key of its own does nothing with another's.
	other := s.hold(event, fan, `{"best":{"seats":1}}`)
	best.body = `{"best":{"seats":1}}`
	place.body = fmt.Sprintf(`{"hold":%q,"source":"tok_ok"}`, other.Hold)
	refund.body = fmt.Sprintf(`{"seats":[%q]}`, one.Lines[0].Seat)
	voucher.body = `{"code":"TEN","percent":90,"uses":9}`
	extend.path = event + "/holds/" + other.Hold + "/extend"
	before := s.everything(event, fan)
	for name, c := range map[string]call{"hold": best, "order": place, "refund": refund, "voucher": voucher, "extension": extend} {
		if a := s.do(c); a.status != 422 || a.problem().Type != "/problems/key-reused" {
			t.Errorf("the key of a %s with another body: %d %s", name, a.status, a.body)
		}
		if after := s.everything(event, fan); !reflect.DeepEqual(before, after) {
			t.Errorf("the key of a %s with another body: before: %v\nafter: %v", name, before, after)
		}
	}
	if v, err := s.db.Events().Voucher(t.Context(), eventID(event), "TEN"); err != nil || v.Percent != 10 || v.Uses != 1 {
		t.Errorf("the voucher is %+v, %v", v, err)
	}
}

// heldAndSold is what the claims say, not what is shown.
func heldAndSold(t *testing.T, s *scene, event string) (held, sold int) {
	t.Helper()
	states, err := s.claims.Seats(t.Context(), eventID(event))
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range states {
		if state == tickets.Held {
			held++
		} else {
			sold++
		}
	}
	return held, sold
}

func TestOneAccountBuysNoMoreThanItMay(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{"perAccount":2}`), s.session("fan")
	s.buy(event, fan, "tok_ok", s.hold(event, fan, `{"best":{"seats":2}}`), "ticketed")
	more := s.hold(event, fan, `{"best":{"seats":1}}`)
	a := s.do(call{method: "POST", path: event + "/orders", session: fan, body: fmt.Sprintf(`{"hold":%q,"source":"tok_ok"}`, more.Hold)})
	if a.status != 409 || a.problem().Type != "/problems/over-limit" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestOneAccountHoldsNoMoreThanItMay(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{"perAccount":3}`), s.session("fan")
	h := s.hold(event, fan, `{"best":{"seats":2}}`)
	two := call{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":2}}`}
	if a := s.do(two); a.status != 409 || a.problem().Type != "/problems/over-limit" {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.must(204, call{method: "DELETE", path: event + "/holds/" + h.Hold, session: fan}, nil)
	two.key = "another"
	s.must(201, two, nil)
}

// Who holds and lets go for ever is told to wait, with this event alone; nobody
// else is.
func TestOneAccountHoldsOnlySoOften(t *testing.T) {
	s := newScene(t)
	event, other, bot, fan := s.event(`{}`), s.event(`{}`), s.session("fan"), s.session("fan")
	ask := call{method: "POST", path: event + "/holds", session: bot, body: `{"best":{"seats":4}}`}
	var last hold
	for n := range mostHolds {
		s.must(201, ask, &last)
		if n < mostHolds-1 {
			s.must(204, call{method: "DELETE", path: event + "/holds/" + last.Hold, session: bot}, nil)
		}
	}
	for range 2 {
		a := s.do(ask)
		if p := a.problem(); a.status != 429 || p.Type != "/problems/too-many-holds" {
			t.Errorf("hold %d: %d %s", mostHolds+1, a.status, a.body)
		}
		if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1790 || wait > 1800 {
			t.Errorf("it is to wait %q s, want half an hour", a.header.Get("Retry-After"))
		}
	}
	if held, _ := heldAndSold(t, s, event); held != 4 {
		t.Errorf("%d seats are held, want those of the last hold", held)
	}
	s.hold(event, fan, `{"best":{"seats":4}}`)
	s.hold(other, bot, `{"best":{"seats":4}}`)
	s.buy(event, bot, "tok_ok", last, "ticketed")
}

func TestStandingRoomIsAskedForByNumber(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{"venue":"stadium"}`), s.session("fan")
	h := s.hold(event, fan, `{"best":{"seats":3,"section":"pitch"}}`)
	if len(h.Seats) != 3 || !strings.HasPrefix(h.names(), "pitch/GA/") {
		t.Errorf("%+v", h)
	}
	testenv.Eventually(t, time.Minute, "three places fewer are shown", func() bool {
		var seats struct{ Room map[string]int }
		s.must(200, call{method: "GET", path: event + "/seats"}, &seats)
		return seats.Room["pitch"] == 9_997
	})
}

func TestWithoutRedisItSaysSo(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{}`), s.session("fan")
	s.redis.Cut()
	a := s.do(call{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":1}}`})
	if a.status != 503 || a.problem().Type != "/problems/unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.must(200, call{method: "GET", path: event + "/seats"}, nil)
	if err := s.redis.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "seats can be held again", func() bool {
		return s.do(call{method: "POST", path: event + "/holds", session: fan, body: `{"best":{"seats":1}}`}).status == 201
	})
}

// The signed hold says all that is to be known of it, and PostgreSQL decides.
func TestWhatIsHeldCanBeOrderedAndBoughtWithoutRedis(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{}`), s.session("fan")
	h := s.hold(event, fan, `{"best":{"seats":2}}`)
	s.redis.Cut()
	o := s.buy(event, fan, "tok_ok", h, "ticketed")
	if len(o.Tickets) != 2 {
		t.Errorf("%d tickets", len(o.Tickets))
	}
}

// noted is the real inbox, and counts by id what it is given.
type noted struct {
	httpapi.Inbox
	mu    sync.Mutex
	given map[string]int
}

func (n *noted) Notice(ctx context.Context, news payments.Notice) error {
	n.mu.Lock()
	n.given[news.ID]++
	n.mu.Unlock()
	return n.Inbox.Notice(ctx, news)
}

func (n *noted) times(id string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.given[id]
}

// A notice is believed by its signature alone.
func TestNoticesOfThePaymentProvider(t *testing.T) {
	s := newScene(t)
	inbox := &noted{Inbox: s.api.Inbox, given: map[string]int{}}
	s.api.Inbox = inbox
	event, fan := s.event(`{}`), s.session("fan")
	bought := s.buy(event, fan, "tok_ok", s.hold(event, fan, `{"best":{"seats":1}}`), "ticketed")
	o, err := s.db.Orders().Order(t.Context(), tickets.OrderID(bought.ID))
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Appendf(nil, `{"id":"n1","at":"2026-11-22T20:00:00Z","payment":{"id":%q,"order":%q,"amount":%d,"refunded":%[3]d,"currency":"EUR","status":"refunded","version":99}}`, o.Payment, o.ID, o.Total)
	notice := func(signature string) answer {
		return s.do(call{method: http.MethodPost, path: "/api/webhooks/payments", key: "-", body: string(body), header: map[string]string{payments.SignatureHeader: signature}})
	}
	before := s.everything(event, fan)
	for name, signature := range map[string]string{
		"none": "", "another's": payments.Sign([]byte("another"), body, time.Now()), "old": payments.Sign(secret, body, time.Now().Add(-time.Hour)),
		"another body's": payments.Sign(secret, []byte(`{}`), time.Now()),
	} {
		if a := notice(signature); a.status != 401 || a.problem().Type != "/problems/signature" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if after := s.everything(event, fan); inbox.times("n1") > 0 || !reflect.DeepEqual(before, after) {
			t.Errorf("%s: taken %d times; before: %v\nafter: %v", name, inbox.times("n1"), before, after)
		}
	}
	for n := range 2 { // it comes at least once
		if a := notice(payments.Sign(secret, body, time.Now())); a.status != 204 || inbox.times("n1") != n+1 {
			t.Errorf("the provider's own: %d %s, taken %d times", a.status, a.body, inbox.times("n1"))
		}
	}
}

// A request whose answer was lost is repeated when the section has sold out
// meanwhile: it is told of its own seats, and another one that nothing is left.
func TestARepeatedHoldIsKnownWhenNothingIsLeft(t *testing.T) {
	s := newScene(t)
	event, ann := s.event(`{"perAccount":50}`), s.session("fan")
	first := call{method: "POST", path: event + "/holds", session: ann, key: "mine", body: `{"best":{"seats":2,"section":"circle"}}`}
	var got, again hold
	s.must(201, first, &got)
	for seats := 50; seats > 0; {
		a := s.do(call{method: "POST", path: event + "/holds", session: s.session("fan"), body: fmt.Sprintf(`{"best":{"seats":%d,"section":"circle","together":false}}`, seats)})
		if a.status == 409 {
			seats /= 2
		} else if a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if s.must(201, first, &again); again.names() != got.names() {
		t.Errorf("repeated it is about %q, and was about %q", again.names(), got.names())
	}
	other := first
	other.key = "another"
	if a := s.do(other); a.status != 409 || a.problem().Type != "/problems/none-left" {
		t.Errorf("%d %s", a.status, a.body)
	}
	other.key, other.body = "mine", `{"best":{"seats":1,"section":"circle"}}`
	if a := s.do(other); a.status != 422 || a.problem().Type != "/problems/key-reused" {
		t.Errorf("another wish with the same key: %d %s", a.status, a.body)
	}
}

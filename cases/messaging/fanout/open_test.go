package fanout_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/session"
	"designkits/shared/testenv"
)

// A told records what gateways are brought, and now and then fails.
type told struct {
	mu    sync.Mutex
	t     *testing.T
	heard map[string][]delivered
	fails bool
}

func (d *told) Deliver(_ context.Context, gateway string, deliveries []fanout.Delivery) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails {
		return errors.New("Kafka is away")
	}
	for _, each := range deliveries {
		d.heard[gateway] = append(d.heard[gateway], read(d.t, each))
	}
	return nil
}

// A desk is a hall with routes in Redis and a clock in hand.
type desk struct {
	*hall
	routes *redis.Routes
	told   *told
	now    time.Time
}

func openDesk(t *testing.T) *desk {
	h := openHall(t, 10)
	client := redis.Open(testenv.Addr(t, "redis"), shared.namespace)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	d := &desk{hall: h, routes: client.Routes(), told: &told{t: t, heard: map[string][]delivered{}}, now: time.Now()}
	h.config.Receipts, h.config.Now = h.db.Receipts(), func() time.Time { return d.now }
	h.config.Announcer = &fanout.Router{Routes: d.routes, Deliveries: d.told, All: func() []string { return []string{"a", "b"} }, Unrouted: func(err error) { t.Error(err) }}
	return d
}

func (d *desk) connect(t require, a messaging.Address, gateway string) session.Route {
	r := session.Route{Device: a, Gateway: gateway, Number: 1}
	if _, err := d.routes.Put(d.t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func (d *desk) acknowledge(t require, a messaging.Address, c messaging.ConversationID, upTo messaging.Seq) {
	if err := d.db.Receipts().Put(d.t.Context(), []messaging.Receipt{{Conversation: c, Device: a, Delivered: upTo}}); err != nil {
		t.Fatal(err)
	}
}

// require is what a test and a property have in common.
type require interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func settled(t require, fan *fanout.Fanout) messaging.Seq {
	t.Helper()
	last, err := fan.Settle(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if last == nil {
		return 0
	}
	return last.Seq
}

func TestADeviceThatAcknowledgesSoonHasNoRowInItsInbox(t *testing.T) {
	d := openDesk(t)
	ana, bo := d.person(1), d.person(3)
	c := messaging.DirectID(ana, bo)
	phone, tablet := messaging.Address{User: bo, Device: 1}, messaging.Address{User: bo, Device: 2}
	d.connect(t, phone, "a")
	d.connect(t, tablet, "b")
	fan := fanout.New(d.config)
	if err := fan.Push(t.Context(), []messaging.Message{message(c, 1, ana, messaging.Created, bo), message(c, 2, ana, messaging.Posted)}); err != nil {
		t.Fatal(err)
	}
	rows := func(what string, want ...[]messaging.Seq) {
		t.Helper()
		for i, seqs := range want {
			if got := d.inbox(bo, messaging.DeviceID(i+1)); !slices.Equal(got, seqs) {
				t.Errorf("%s: device %d finds %v, want %v", what, i+1, got, seqs)
			}
		}
	}
	both := []messaging.Seq{1, 2}
	rows("pushed to two of three", nil, nil, both)
	if n := len(d.told.heard["a"]); n != 2 {
		t.Errorf("the phone's gateway has heard %d messages, want 2", n)
	}
	d.acknowledge(t, phone, c, 2)
	if last := settled(t, fan); last != 0 {
		t.Errorf("all up to %d is settled, while the tablet may still acknowledge", last)
	}
	d.now = d.now.Add(fanout.Grace)
	if last := settled(t, fan); last != 2 {
		t.Errorf("all up to %d is settled, want 2", last)
	}
	rows("the tablet didn't acknowledge", nil, both, both)
	if heard := d.told.heard["b"]; len(heard) != 4 || !heard[3].notice {
		t.Errorf("the tablet's gateway has heard %+v, want two messages, and then notice of both", heard)
	}
	if n := len(d.told.heard["a"]); n != 2 {
		t.Errorf("the phone, which has acknowledged, was told once more")
	}
}

// before does something before items are put.
type before struct {
	messaging.Inbox
	do func()
}

func (b before) Put(ctx context.Context, items []messaging.Item) error {
	b.do()
	return b.Inbox.Put(ctx, items)
}

// A device that comes between the look where it is and its row finds no row: it is told.
func TestWhoComesBeforeTheRowIsWrittenIsTold(t *testing.T) {
	d := openDesk(t)
	ana, bo := d.person(1), d.person(1)
	c := messaging.DirectID(ana, bo)
	d.config.Inbox = before{d.config.Inbox, func() {
		d.connect(t, messaging.Address{User: bo, Device: 1}, "a")
		if found := d.inbox(bo, 1); len(found) > 0 {
			t.Errorf("it finds %v", found)
		}
	}}
	if err := fanout.New(d.config).Push(t.Context(), []messaging.Message{message(c, 1, ana, messaging.Created, bo)}); err != nil {
		t.Fatal(err)
	}
	if n := len(d.told.heard["a"]); n != 1 {
		t.Errorf("its gateway has heard %d messages, want 1", n)
	}
}

// unread are receipts that can't be read.
type unread struct{ messaging.Receipts }

func (unread) Of(context.Context, messaging.ConversationID, int) ([]messaging.Receipt, error) {
	return nil, errors.New("Cassandra is away")
}

func TestAnOwnerThatIsToldOfReceiptsReadsNone(t *testing.T) {
	d := openDesk(t)
	ana, bo := d.person(1), d.person(2)
	c := messaging.DirectID(ana, bo)
	phone, tablet := messaging.Address{User: bo, Device: 1}, messaging.Address{User: bo, Device: 2}
	d.connect(t, phone, "a")
	d.connect(t, tablet, "b")
	d.config.Receipts = unread{}
	fan := fanout.New(d.config)
	if err := fan.Push(t.Context(), []messaging.Message{message(c, 1, ana, messaging.Created, bo), message(c, 2, ana, messaging.Posted)}); err != nil {
		t.Fatal(err)
	}
	fan.Acknowledged([]messaging.Receipt{{Conversation: c, Device: phone, Delivered: 2}, {Conversation: c, Device: tablet, Delivered: 1}})
	if last := settled(t, fan); last != 1 {
		t.Errorf("all up to %d is settled, want 1, which both have", last)
	}
	d.now = d.now.Add(fanout.Grace)
	if last, err := fan.Settle(t.Context()); err == nil || last.Seq != 1 {
		t.Errorf("of the tablet nothing is known, and all up to %d is settled, %v", last.Seq, err)
	}
	fan.Acknowledged([]messaging.Receipt{{Conversation: c, Device: tablet, Delivered: 2}})
	if last := settled(t, fan); last != 2 {
		t.Errorf("all up to %d is settled, want 2", last)
	}
}

// Kafka fails once the rows of the late are written: what isn't announced isn't settled.
func TestWhatIsLateIsSettledOnceItIsAnnounced(t *testing.T) {
	d := openDesk(t)
	ana, bo := d.person(1), d.person(1)
	c := messaging.DirectID(ana, bo)
	d.connect(t, messaging.Address{User: bo, Device: 1}, "a")
	fan := fanout.New(d.config)
	if err := fan.Push(t.Context(), []messaging.Message{message(c, 1, ana, messaging.Created, bo)}); err != nil {
		t.Fatal(err)
	}
	d.now, d.told.fails = d.now.Add(fanout.Grace), true
	if last, err := fan.Settle(t.Context()); err == nil || last != nil {
		t.Errorf("%+v is settled, %v; nobody was told", last, err)
	}
	d.told.fails = false
	if last := settled(t, fan); last != 1 {
		t.Errorf("all up to %d is settled, want 1", last)
	}
}

// A phone is a device that does what devices do: it is connected or not, reads its
// inbox when it comes, hears what its gateway is told, and acknowledges.
type phone struct {
	address messaging.Address
	route   *session.Route
	heard   int // of what its gateway was told
	has     map[messaging.Seq]bool
}

// upTo is the last number before a gap.
func (p *phone) upTo() (upTo messaging.Seq) {
	for p.has[upTo+1] {
		upTo++
	}
	return upTo
}

// Devices come, go, move and acknowledge or don't, gateways and owners die: whatever
// is settled and not acknowledged is in the inbox, and in the end whoever is connected
// has all of it.
func TestWhatIsNotAcknowledgedIsInTheInboxHoweverItGoes(t *testing.T) {
	d := openDesk(t)
	ana, bo := d.person(1), d.person(3)
	rapid.Check(t, func(t *rapid.T) {
		c := messaging.NewConversationID(messaging.Group)
		d.told.heard, d.told.fails = map[string][]delivered{}, false
		phones := make([]*phone, 3)
		for i := range phones {
			phones[i] = &phone{address: messaging.Address{User: bo, Device: messaging.DeviceID(i + 1)}, has: map[messaging.Seq]bool{}}
			phones[i].leave(t, d) // the one of the last check
		}
		refresh := func() {
			for _, p := range phones {
				p.refresh(t, d, c)
			}
		}
		fan, log, marked := fanout.New(d.config), []messaging.Message{}, messaging.Seq(0)
		post := func() {
			refresh()
			m := message(c, messaging.Seq(len(log)+1), ana, messaging.Posted)
			if m.Seq == 1 {
				m = message(c, 1, ana, messaging.Created, bo)
			}
			log = append(log, m)
			if err := fan.Push(d.t.Context(), []messaging.Message{m}); err != nil {
				t.Fatal(err)
			}
		}
		settle := func() {
			refresh()
			marked = max(marked, settled(t, fan))
			for _, p := range phones {
				found := d.found(t, p.address, c)
				for seq := messaging.Seq(1); seq <= marked; seq++ {
					if !p.has[seq] && !slices.Contains(found, seq) {
						t.Fatalf("number %d is settled up to %d, device %s doesn't have it, and finds %v", seq, marked, p.address, found)
					}
				}
			}
		}
		post()
		some := rapid.SampledFrom(phones)
		t.Repeat(map[string]func(*rapid.T){
			"post":   func(*rapid.T) { post() },
			"settle": func(*rapid.T) { settle() },
			"time":   func(*rapid.T) { d.now = d.now.Add(fanout.Grace / 2) },
			"come": func(t *rapid.T) {
				some.Draw(t, "who").come(t, d, c, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "to"))
			},
			"leave":  func(t *rapid.T) { some.Draw(t, "who").leave(t, d) },
			"listen": func(t *rapid.T) { some.Draw(t, "who").listen(t, d, c) },
			"listen, and the owner is told": func(t *rapid.T) {
				p := some.Draw(t, "who")
				if p.listen(t, d, c); p.route != nil {
					fan.Acknowledged([]messaging.Receipt{{Conversation: c, Device: p.address, Delivered: p.upTo()}})
				}
			},
			"its gateway dies": func(t *rapid.T) { some.Draw(t, "who").route = nil }, // and its route stays
			"the owner dies": func(*rapid.T) {
				fan = fanout.New(d.config)
				if err := fan.Apply(d.t.Context(), log[marked:]); err != nil {
					t.Fatal(err)
				}
				marked = messaging.Seq(len(log))
			},
		})
		for _, p := range phones {
			if p.route == nil {
				p.come(t, d, c, "a")
			}
		}
		for range 3 { // what they are sent is given notice of
			d.now = d.now.Add(fanout.Grace)
			settle()
		}
		for _, p := range phones {
			if p.listen(t, d, c); p.upTo() != messaging.Seq(len(log)) {
				t.Fatalf("device %s has all up to %d of %d", p.address, p.upTo(), len(log))
			}
		}
	})
}

// found is what a device's inbox has of a conversation.
func (d *desk) found(t require, a messaging.Address, c messaging.ConversationID) (seqs []messaging.Seq) {
	for cursor, more := "", true; more; more = cursor != "" {
		items, next, err := d.db.Inbox().Page(d.t.Context(), a, cursor, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range items {
			if m.Conversation == c {
				seqs = append(seqs, m.Seq)
			}
		}
		cursor = next
	}
	return seqs
}

func (p *phone) come(t require, d *desk, c messaging.ConversationID, gateway string) {
	r := d.connect(t, p.address, gateway)
	p.route, p.heard = &r, len(d.told.heard[gateway])
	for _, seq := range d.found(t, p.address, c) {
		p.has[seq] = true
	}
}

// refresh is its gateway's, as long as it is connected: routes lapse by the real clock. One
// that has lapsed all the same is a reason to catch up.
func (p *phone) refresh(t require, d *desk, c messaging.ConversationID) {
	if p.route == nil {
		return
	}
	standings, err := d.routes.Refresh(d.t.Context(), []session.Route{*p.route})
	if err != nil {
		t.Fatal(err)
	}
	if standings[0] != session.Held {
		p.come(t, d, c, p.route.Gateway)
	}
}

func (p *phone) leave(t require, d *desk) {
	if p.route == nil {
		p.route = &session.Route{Device: p.address, Gateway: "a", Number: 1}
	}
	if err := d.routes.Remove(d.t.Context(), *p.route); err != nil {
		t.Fatal(err)
	}
	p.route = nil
}

// listen hears what there is, asks the history where there is a gap, and acknowledges.
func (p *phone) listen(t require, d *desk, c messaging.ConversationID) {
	if p.route == nil {
		return
	}
	heard := d.told.heard[p.route.Gateway]
	var last messaging.Seq
	for _, a := range heard[p.heard:] {
		if slices.Contains(a.To, p.address) && a.Conversation == c {
			last = max(last, a.Seq)
		}
	}
	p.heard = len(heard)
	messages, err := d.db.History().Range(d.t.Context(), c, 1, max(last, 1), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		p.has[m.Seq] = p.has[m.Seq] || m.Seq <= last
	}
	if upTo := p.upTo(); upTo > 0 {
		d.acknowledge(t, p.address, c, upTo)
	}
}

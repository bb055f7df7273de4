package fanout_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/kafka"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/wire"
	"designkits/shared/cql"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) {
	// Each step of a check goes through the real stores.
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	leaktest.Main(m)
}

// shared is the namespace of all tests: making the tables takes longer than them.
var shared struct {
	sync.Once
	namespace string
}

// A hall is a conversation on the real stores, and a gateway that hears.
type hall struct {
	t      *testing.T
	db     *cassandra.DB
	config fanout.Config

	mu    sync.Mutex
	heard []delivered
}

// A delivered is what a gateway was brought, with what its frame says.
type delivered struct {
	fanout.Delivery
	notice  bool
	message messaging.Message
}

func read(t *testing.T, d fanout.Delivery) delivered {
	switch frame, err := wire.Down(d.Frame); f := frame.(type) {
	case *wire.Notice:
		if f.Conversation != d.Conversation || f.Seq != d.Seq {
			t.Errorf("a notice of %d of %s says %+v", d.Seq, d.Conversation, f)
		}
		return delivered{Delivery: d, notice: true}
	case *wire.Message:
		if f.Conversation != d.Conversation || f.Seq != d.Seq {
			t.Errorf("message %d of %s says %+v", d.Seq, d.Conversation, f)
		}
		return delivered{Delivery: d, message: f.Message}
	default:
		t.Errorf("%s is neither a message nor a notice: %v", d.Frame, err)
		return delivered{Delivery: d}
	}
}

func openHall(t *testing.T, writeUpTo int) *hall {
	t.Helper()
	shared.Do(func() { shared.namespace = testenv.SharedNamespace(t) })
	namespace, gateway := shared.namespace, rand.Text()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	db, err := cassandra.Open(ctx, cassandra.Config{Config: cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: namespace}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	deliveries, err := kafka.NewDeliveries(kafka.Config{Brokers: []string{testenv.Addr(t, "kafka")}, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{t: t, db: db}
	devices := &fanout.Devices{From: db.Accounts().Devices, Now: time.Now}
	h.config = fanout.Config{
		History: db.History(), Inbox: db.Inbox(), Rosters: db.Rosters(), Devices: devices.Of, WriteUpTo: writeUpTo,
		Announcer: &fanout.Router{Deliveries: deliveries, All: func() []string { return []string{gateway} }},
	}
	listening, end := context.WithCancel(t.Context())
	ready := make(chan struct{})
	var follow sync.WaitGroup
	follow.Go(func() {
		_ = deliveries.Follow(listening, gateway, slog.New(slog.DiscardHandler), func() { close(ready) }, func(batch []fanout.Delivery) {
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, d := range batch {
				h.heard = append(h.heard, read(t, d))
			}
		})
	})
	t.Cleanup(func() { end(); follow.Wait(); _ = deliveries.Close(context.Background()) })
	select {
	case <-ready:
	case <-ctx.Done():
		t.Fatal("the gateway isn't there")
	}
	return h
}

// person makes an account with so many devices.
func (h *hall) person(devices int) messaging.UserID {
	h.t.Helper()
	u := messaging.NewUserID()
	if err := h.db.Accounts().Create(h.t.Context(), u, "name"+string(u)); err != nil {
		h.t.Fatal(err)
	}
	for range devices {
		if _, err := h.db.Accounts().Link(h.t.Context(), u, "phone"); err != nil {
			h.t.Fatal(err)
		}
	}
	return u
}

// inbox is the numbers that a device finds.
func (h *hall) inbox(u messaging.UserID, device messaging.DeviceID) (seqs []messaging.Seq) {
	h.t.Helper()
	items, next, err := h.db.Inbox().Page(h.t.Context(), messaging.Address{User: u, Device: device}, "", 100)
	if err != nil || next != "" {
		h.t.Fatal(next, err)
	}
	for _, m := range items {
		seqs = append(seqs, m.Seq)
	}
	return seqs
}

func message(c messaging.ConversationID, seq messaging.Seq, by messaging.UserID, kind messaging.MessageKind, users ...messaging.UserID) messaging.Message {
	m := messaging.Message{Draft: messaging.Draft{Conversation: c, ID: messaging.MessageID(fmt.Sprintf("%016d", seq)), Kind: kind, Users: users,
		Sender: messaging.Address{User: by, Device: 1}, Body: messaging.Body{Shared: []byte("x")}}, Seq: seq, At: time.Now().UTC().Truncate(time.Millisecond)}
	if kind == messaging.Created {
		m.Title = "title"
	}
	return m
}

// once fails the first time, when all is stored and nothing is announced.
type once struct {
	fanout.Announcer
	failed bool
}

func (o *once) Announce(ctx context.Context, a []fanout.Announcement, at fanout.Places) error {
	if !o.failed {
		o.failed = true
		return errors.New("Kafka is away")
	}
	return o.Announcer.Announce(ctx, a, at)
}

// What is applied again goes to the same people, whoever came and went since:
// after a failure in the middle by the same fan-out, and after a crash by another.
func TestAMessageGoesToWhoMayReadItHoweverOftenItIsApplied(t *testing.T) {
	h := openHall(t, 10)
	ana, bo, cy, dan := h.person(2), h.person(1), h.person(1), h.person(1)
	c := messaging.NewConversationID(messaging.Group)
	first := []messaging.Message{message(c, 1, ana, messaging.Created, bo), message(c, 2, ana, messaging.Posted)}
	then := []messaging.Message{message(c, 3, ana, messaging.Added, cy), message(c, 4, ana, messaging.Removed, bo), message(c, 5, cy, messaging.Posted)}
	failing := h.config
	failing.Announcer = &once{Announcer: h.config.Announcer}
	fan := fanout.New(failing)
	if err := fan.Apply(t.Context(), first); err == nil {
		t.Fatal("the announcing failed, and nobody was told")
	}
	for _, batch := range [][]messaging.Message{first, then, then} {
		if err := fan.Apply(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	after := fanout.New(h.config) // knows the roster as it is by now
	if err := after.Apply(t.Context(), slices.Concat(first, then)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		who    string
		user   messaging.UserID
		device messaging.DeviceID
		seqs   []messaging.Seq
	}{
		{"the one who sent", ana, 1, []messaging.Seq{5}},
		{"the other device of the one who sent", ana, 2, []messaging.Seq{1, 2, 3, 4, 5}},
		{"who was removed", bo, 1, []messaging.Seq{1, 2, 3, 4}},
		{"who was added", cy, 1, []messaging.Seq{3, 4}},
		{"who never was there", dan, 1, nil},
	} {
		if got := h.inbox(want.user, want.device); !slices.Equal(got, want.seqs) {
			t.Errorf("%s finds %v, want %v", want.who, got, want.seqs)
		}
	}
	testenv.Eventually(t, time.Minute, "the gateway has heard of all", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.heard) >= 2+3+3+5
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.heard {
		for _, to := range a.To {
			if to.User == dan || to.User == cy && a.Seq < 3 || to.User == bo && a.Seq > 4 || to == a.message.Sender {
				t.Errorf("number %d was announced to %s", a.Seq, to)
			}
		}
	}
}

// Somebody posts and regrets it at once: both are applied together, the inboxes are
// written afterwards, and what was said is in none of them.
func TestWhatIsDeletedAtOnceIsInNoInbox(t *testing.T) {
	h := openHall(t, 10)
	ana, bo := h.person(1), h.person(1)
	c := messaging.NewConversationID(messaging.Group)
	deleted := message(c, 3, ana, messaging.Deleted)
	deleted.Target, deleted.Body = 2, messaging.Body{}
	batch := []messaging.Message{message(c, 1, ana, messaging.Created, bo), message(c, 2, ana, messaging.Posted), deleted}
	if err := fanout.New(h.config).Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	items, _, err := h.db.Inbox().Page(t.Context(), messaging.Address{User: bo, Device: 1}, "", 100)
	if err != nil || len(items) != 3 {
		t.Fatalf("the inbox has %d items, want 3; %v", len(items), err)
	}
	if n := items[1].Body.Size(); items[1].Seq != 2 || n > 0 {
		t.Errorf("number %d, which was deleted, has a body of %d bytes", items[1].Seq, n)
	}
}

func TestALargeConversationIsReadFromItsHistory(t *testing.T) {
	h := openHall(t, 2)
	ana, bo, cy := h.person(1), h.person(1), h.person(1)
	c := messaging.NewConversationID(messaging.Group)
	fan := fanout.New(h.config)
	if err := fan.Apply(t.Context(), []messaging.Message{message(c, 1, ana, messaging.Created, bo, cy), message(c, 2, ana, messaging.Posted)}); err != nil {
		t.Fatal(err)
	}
	if got := h.inbox(bo, 1); len(got) > 0 {
		t.Errorf("the inbox of one of three has %v, where inboxes are for two", got)
	}
	stored, err := h.db.History().Range(t.Context(), c, 1, 10, 10)
	if err != nil || len(stored) != 2 {
		t.Errorf("the history has %d, %v", len(stored), err)
	}
	testenv.Eventually(t, time.Minute, "the gateway has heard", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.heard) == 2
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.heard {
		if !a.notice || len(a.To) != 2 {
			t.Errorf("announced was %+v, want a notice to two", a)
		}
	}
}

package session_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/session"
	"designkits/cases/messaging/wire"
	"designkits/shared/cql"
	"designkits/shared/testenv"
)

// A line is a connection that keeps what it is sent, until it is full.
type line struct {
	mu     sync.Mutex
	frames []any
	full   bool
	lags   int
	code   int
}

func (l *line) Send(frame []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		l.lags++
		return false
	}
	read, err := wire.Down(frame)
	if err != nil {
		panic(err) // a frame of ours
	}
	l.frames = append(l.frames, read)
	return true
}

func (l *line) Resumed() {}

func (l *line) Close(code int, _ string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.code = code
}

// closed is the code it was closed with, or 0.
func (l *line) closed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.code
}

func (l *line) fill(full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = full
}

func (l *line) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frames = nil
}

// seqs are the numbers of the messages so far, and current whether it was told to be.
func (l *line) seqs() (seqs []messaging.Seq, current bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.frames {
		switch f := f.(type) {
		case *wire.Message:
			seqs = append(seqs, f.Seq)
		case *wire.Current:
			current = true
		}
	}
	return seqs, current
}

// A stage is a hub on the real stores, with a conversation of two.
type stage struct {
	t      *testing.T
	hub    *session.Hub
	db     *cassandra.DB
	c      messaging.ConversationID
	ana    messaging.Address
	device messaging.Address // bo's
	inbox  *dropping
	stop   func() // the hub, which does what there still is
	routes *entrance
}

// A dropping is an inbox that takes note of what is dropped, and is away the first time.
type dropping struct {
	messaging.Inbox
	mu    sync.Mutex
	tries int
	upTo  map[messaging.Address]messaging.Seq
}

func (d *dropping) Drop(ctx context.Context, receipts []messaging.Receipt) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tries++; d.tries == 1 {
		return errors.New("away")
	}
	for _, r := range receipts {
		d.upTo[r.Device] = max(d.upTo[r.Device], r.Delivered)
	}
	return d.Inbox.Drop(ctx, receipts)
}

func (d *dropping) state() (tries int, upTo map[messaging.Address]messaging.Seq) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tries, maps.Clone(d.upTo)
}

// shared is the keyspace of all stages: making its tables takes longest.
var shared struct {
	sync.Once
	namespace string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	shared.Do(func() { shared.namespace = testenv.SharedNamespace(t) })
	db, err := cassandra.Open(t.Context(), cassandra.Config{Config: cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: shared.namespace}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	store := redis.Open(testenv.Addr(t, "redis"), testenv.Namespace(t))
	t.Cleanup(func() { _ = store.Close(context.Background()) })
	s := &stage{t: t, db: db, ana: messaging.Address{User: messaging.NewUserID(), Device: 1}, device: messaging.Address{User: messaging.NewUserID(), Device: 1}}
	s.c = messaging.DirectID(s.ana.User, s.device.User)
	s.routes = &entrance{Routes: store.Routes(), come: make(chan struct{}, 1)}
	s.inbox = &dropping{Inbox: db.Inbox(), upTo: map[messaging.Address]messaging.Seq{}}
	s.hub = session.New(session.Config{
		Gateway: "gateway-1", Inbox: s.inbox, History: db.History(), Rosters: db.Rosters(), Members: db.Rosters(), Receipts: db.Receipts(),
		Devices: db.Accounts().Devices, Routes: s.routes, Peers: store.Peers(), Limits: store, Presence: store.Presence(), Settings: db.PresenceSettings(),
		Resume: func(messaging.Address) (string, error) { return "token", nil }, Log: slog.New(slog.DiscardHandler),
	})
	running, end := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = s.hub.Run(running) })
	s.stop = func() { end(); run.Wait() }
	t.Cleanup(func() { s.stop(); s.hub.Close() })
	created := s.message(1)
	created.Kind, created.Users = messaging.Created, []messaging.UserID{s.device.User}
	var roster messaging.Roster
	roster.Apply(created)
	if err := db.Rosters().Create(t.Context(), roster); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) message(seq messaging.Seq) messaging.Message {
	return messaging.Message{Draft: messaging.Draft{Conversation: s.c, ID: "0123456789abcdef", Sender: s.ana, Kind: messaging.Posted, Body: messaging.Body{Shared: []byte("x")}},
		Seq: seq, At: time.Now().UTC().Truncate(time.Millisecond)}
}

func (s *stage) delivery(m messaging.Message) fanout.Delivery {
	return fanout.Delivery{Conversation: m.Conversation, Seq: m.Seq, To: []messaging.Address{s.device}, Frame: wire.Encode(wire.Message{Message: m})}
}

// say stores messages as a chat process does, and announces them.
func (s *stage) say(from, to messaging.Seq) {
	s.t.Helper()
	var items []messaging.Item
	var announced []fanout.Delivery
	for seq := from; seq <= to; seq++ {
		m := s.message(seq)
		items = append(items, messaging.Item{Device: s.device, Message: m})
		announced = append(announced, s.delivery(m))
	}
	if err := s.db.Inbox().Put(s.t.Context(), items); err != nil {
		s.t.Fatal(err)
	}
	s.hub.Deliver(announced)
}

func (s *stage) frame(of *session.Session, frame any) { of.Frame(wire.Encode(frame)) }

// want waits until the device is current and has acknowledged all up to a number, and
// checks that no number was left out on the way.
func (s *stage) want(of *session.Session, l *line, upTo messaging.Seq) {
	s.t.Helper()
	acknowledged := messaging.Seq(0)
	testenv.Eventually(s.t, time.Minute, "the device is current and has all", func() bool {
		seqs, current := l.seqs()
		if n := len(seqs); n > 0 && seqs[n-1] > acknowledged {
			acknowledged = seqs[n-1]
			s.frame(of, wire.Ack{Conversation: s.c, Seq: acknowledged})
		}
		return current && acknowledged >= upTo
	})
	seqs, _ := l.seqs()
	last := seqs[0]
	for _, seq := range seqs { // what is not acknowledged yet may come once more
		if seq > last+1 {
			s.t.Fatalf("number %d comes behind %d", seq, last)
		}
		last = max(last, seq)
	}
}

// The three states that the package comment names: quiet, catching up, live.
func TestADeviceIsQuietThenCatchesUpThenIsLive(t *testing.T) {
	s := newStage(t)
	s.say(1, 3)
	of, l := s.hub.New(s.device, ""), &line{}
	of.Opened(l)
	defer of.Closed()
	s.say(4, 4)
	if seqs, _ := l.seqs(); len(seqs) > 0 {
		t.Errorf("before it asks it gets %v", seqs)
	}
	s.frame(of, wire.Resume{Ref: "r"})
	testenv.Eventually(t, time.Minute, "the first page", func() bool { seqs, _ := l.seqs(); return len(seqs) == 4 })
	s.say(5, 5) // held until what was before it is acknowledged
	if seqs, current := l.seqs(); len(seqs) != 4 || current {
		t.Errorf("while it catches up it gets %v, current %v", seqs, current)
	}
	s.want(of, l, 5)
	s.say(6, 6)
	if seqs, _ := l.seqs(); len(seqs) != 6 {
		t.Errorf("live it has %v", seqs)
	}
}

// Of a device that is connected a message may not be in the inbox yet: what is announced
// before it asks comes once it has caught up.
func TestWhatIsAnnouncedBeforeItAsksIsKeptForIt(t *testing.T) {
	s := newStage(t)
	of, l := s.hub.New(s.device, ""), &line{}
	of.Opened(l)
	defer of.Closed()
	s.frame(of, wire.Members{Ref: "m", Conversation: s.c}) // it counts from its first frame
	testenv.Eventually(t, time.Minute, "the device is there", func() bool { return s.hub.Devices() == 1 })
	for seq := messaging.Seq(1); seq <= 2; seq++ {
		s.hub.Deliver([]fanout.Delivery{s.delivery(s.message(seq))})
	}
	if seqs, _ := l.seqs(); len(seqs) > 0 {
		t.Errorf("before it asks it gets %v", seqs)
	}
	s.frame(of, wire.Resume{Ref: "r"})
	s.want(of, l, 2)
}

func TestADeviceThatReadsTooSlowlyIsQuietUntilItAsks(t *testing.T) {
	s := newStage(t)
	of, l := s.hub.New(s.device, ""), &line{}
	of.Opened(l)
	defer of.Closed()
	s.frame(of, wire.Resume{})
	testenv.Eventually(t, time.Minute, "it is current", func() bool { _, current := l.seqs(); return current })
	s.say(1, 2)
	l.fill(true)
	s.say(3, 300) // more than is held, and than a page has
	if l.lags != 1 {
		t.Errorf("after the first that didn't go %d more were tried", l.lags-1)
	}
	l.fill(false)
	s.say(301, 301)
	if seqs, _ := l.seqs(); len(seqs) != 2 {
		t.Errorf("it hasn't asked, and gets %v", seqs[2:])
	}
	l.forget()
	s.frame(of, wire.Resume{})
	s.frame(of, wire.Ack{Conversation: s.c, Seq: 2})
	s.want(of, l, 301)
}

// What is announced while a long inbox is read is more than is held: it is read again.
func TestWhatDoesNotFitWhileADeviceCatchesUpIsReadFromItsInbox(t *testing.T) {
	s := newStage(t)
	s.say(1, 50)
	of, l := s.hub.New(s.device, ""), &line{}
	of.Opened(l)
	defer of.Closed()
	s.frame(of, wire.Resume{})
	testenv.Eventually(t, time.Minute, "the first page", func() bool { seqs, _ := l.seqs(); return len(seqs) == 50 })
	s.say(51, 250)
	s.want(of, l, 250)
}

// What a device has is dropped from its inbox in a while, also where that fails at first
// and the gateway stops before the next time.
func TestWhatIsAcknowledgedIsDroppedFromTheInbox(t *testing.T) {
	s := newStage(t)
	s.say(1, 3)
	of, l := s.hub.New(s.device, ""), &line{}
	of.Opened(l)
	defer of.Closed()
	s.frame(of, wire.Resume{})
	s.want(of, l, 3)
	testenv.Eventually(t, time.Minute, "it is tried", func() bool { tries, _ := s.inbox.state(); return tries > 0 })
	s.stop()
	if tries, upTo := s.inbox.state(); upTo[s.device] != 3 {
		t.Errorf("after %d tries it is dropped up to %d, want 3", tries, upTo[s.device])
	}
}

func TestADeviceHasOneConnection(t *testing.T) {
	s := newStage(t)
	first, second := &line{}, &line{}
	before := s.hub.New(s.device, "")
	before.Opened(first)
	s.frame(before, wire.Resume{})
	testenv.Eventually(t, time.Minute, "the first is current", func() bool { _, current := first.seqs(); return current })
	late := s.hub.New(s.device, "")
	late.Opened(&line{}) // it was given up, and says nothing
	s.say(1, 1)
	if seqs, _ := first.seqs(); len(seqs) != 1 || first.closed() != 0 {
		t.Errorf("beside one that says nothing it gets %v, and is closed with %d", seqs, first.closed())
	}
	late.Closed()
	after := s.hub.New(s.device, "")
	after.Opened(second)
	s.frame(after, wire.Resume{})
	testenv.Eventually(t, time.Minute, "the second replaces the first", func() bool { return first.closed() == wire.CodeReplaced })
	if second.closed() != 0 {
		t.Errorf("closed with %d", second.closed())
	}
	before.Closed()
	if n := s.hub.Devices(); n != 1 {
		t.Errorf("%d devices, when the older connection has ended", n)
	}
	s.hub.End(session.Route{Device: s.device}, session.Revoked)
	if second.closed() != wire.CodeRevoked {
		t.Errorf("signed out, it is closed with %d", second.closed())
	}
	after.Closed()
	if n := s.hub.Devices(); n != 0 {
		t.Errorf("%d devices at the end", n)
	}
}

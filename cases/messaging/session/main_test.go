package session

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
	"designkits/shared/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// A recorder is a connection that keeps what it is sent, as many frames as it has room
// for.
type recorder struct {
	t    *testing.T
	room int // frames; negative is any number

	mu      sync.Mutex
	frames  []any
	resumed int
	code    int
}

func newRecorder(t *testing.T) *recorder { return &recorder{t: t, room: -1} }

func (r *recorder) Send(frame []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.room == 0 {
		return false
	}
	r.room--
	read, err := wire.Down(frame)
	if err != nil {
		r.t.Errorf("%s is sent: %v", frame, err)
	}
	r.frames = append(r.frames, read)
	return true
}

func (r *recorder) Resumed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resumed++
}

func (r *recorder) Close(code int, _ string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.code = code
}

func (r *recorder) closed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.code
}

// all returns what was sent so far, and forgets it.
func (r *recorder) all() []any {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.frames
	r.frames = nil
	return all
}

// alone is a session that has no stores: what needs one isn't asked of it.
func alone(t *testing.T, cfg Config) (*Session, *recorder) {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	hub, conn := New(cfg), newRecorder(t)
	t.Cleanup(hub.Close)
	s := hub.New(messaging.Address{User: messaging.NewUserID(), Device: 1}, "")
	s.conn = conn
	return s, conn
}

func TestAConnectionThatSaysNothingIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Resume: func(messaging.Address) (string, error) { return "token", nil }}
		s, frames := alone(t, cfg)
		conn := &ending{recorder: frames, ended: make(chan int)}
		gone, unasked := alone(t, cfg)
		began := time.Now()
		gone.Opened(unasked)
		s.Opened(conn)
		gone.Closed()
		if code, after := <-conn.ended, time.Since(began); code != CodePolicy || after != firstWithin { // by the bubble's clock
			t.Errorf("closed with %d after %s", code, after)
		}
		synctest.Wait()
		if code := unasked.closed(); code != 0 {
			t.Errorf("one that was gone already is closed with %d", code)
		}
	})
}

// An ending connection tells with which code it is closed.
type ending struct {
	*recorder
	ended chan int
}

func (e *ending) Close(code int, _ string) { e.ended <- code }

func TestADeviceSendsSoManyFramesASecondAndIsClosedIfItGoesOn(t *testing.T) {
	s, conn := alone(t, Config{Rate: 10, Burst: 5})
	now := time.Unix(0, s.filled)
	allowed := func(n int) (yes int) {
		for range n {
			if s.allow(now) {
				yes++
			} else {
				s.tooSoon([]byte(`{"type":"send","ref":"a ref"}`))
			}
		}
		return yes
	}
	if got := allowed(8); got != 5 {
		t.Errorf("%d of 8 at once", got)
	}
	want := wire.Error{Ref: "a ref", Kind: "too-often", Detail: errTooOften.Error(), Again: true}
	if refused := conn.all(); len(refused) != 3 || *refused[0].(*wire.Error) != want {
		t.Errorf("the others are told %+v, want 3 of %+v", refused, want)
	}
	now = now.Add(300 * time.Millisecond)
	if got := allowed(4); got != 3 {
		t.Errorf("%d after 0.3 s", got)
	}
	now = now.Add(time.Hour)
	if got := allowed(6); got != 5 {
		t.Errorf("%d after an hour", got)
	}
	if allowed(10); conn.code != CodePolicy {
		t.Errorf("who goes on is closed with %d", conn.code)
	}
}

func TestWhatIsAnnouncedWhileADeviceCatchesUpIsHeldOrReadAgain(t *testing.T) {
	var c catchUp
	for range maxHeld {
		c.hold([]byte("frame"))
	}
	if len(c.frames) != maxHeld || c.again {
		t.Errorf("%d are held", len(c.frames))
	}
	if c.hold([]byte("one more")); len(c.frames) > 0 || !c.again {
		t.Errorf("one more: %d are held, again %v", len(c.frames), c.again)
	}
	if c.hold([]byte("another")); len(c.frames) > 0 {
		t.Error("what the inbox has is held as well")
	}
	c = catchUp{}
	c.hold(make([]byte, heldBytes))
	if c.hold([]byte("x")); !c.again {
		t.Error("more bytes are held than may be")
	}
}

func TestAPageIsAcknowledgedWhenAllOfItIs(t *testing.T) {
	one, other := messaging.NewConversationID(messaging.Group), messaging.NewConversationID(messaging.Group)
	c := catchUp{open: map[messaging.ConversationID]messaging.Seq{one: 7, other: 3}}
	for _, step := range []struct {
		conversation messaging.ConversationID
		seq          messaging.Seq
		done         bool
	}{{one, 6, false}, {one, 7, false}, {one, 8, false}, {other, 2, false}, {other, 5, true}} {
		if got := c.acknowledged(step.conversation, step.seq); got != step.done {
			t.Errorf("%+v: %v", step, got)
		}
	}
}

func TestADeviceThatAcknowledgesNothingIsTold(t *testing.T) {
	s, conn := alone(t, Config{})
	began := time.Now()
	s.catchUp = &catchUp{since: began, open: map[messaging.ConversationID]messaging.Seq{"g": 1}}
	if s.stalled(began.Add(progressWithin)); len(conn.all()) > 0 {
		t.Error("it was given no time")
	}
	s.stalled(began.Add(progressWithin + time.Second))
	if got := conn.all(); len(got) != 1 || s.catchUp != nil {
		t.Errorf("it is told %+v", got)
	} else if _, ok := got[0].(*wire.Lagging); !ok {
		t.Errorf("it is told %+v", got[0])
	}
}

func TestAcknowledgementsThatWaitBecomeOne(t *testing.T) {
	var a acks
	a.init()
	device, c := messaging.Address{User: messaging.NewUserID(), Device: 1}, messaging.NewConversationID(messaging.Group)
	for _, r := range []messaging.Receipt{{Delivered: 3}, {Delivered: 5, Read: 2}, {Delivered: 4, Read: 4}} {
		r.Device, r.Conversation = device, c
		if !a.add(r) {
			t.Fatal("there is room")
		}
	}
	got := a.take()
	if len(got) != 1 || got[0].Delivered != 5 || got[0].Read != 4 || len(a.take()) > 0 {
		t.Errorf("%+v", got)
	}
	for n := range maxAcks {
		a.pending[ackKey{messaging.Address{User: device.User, Device: messaging.DeviceID(n + 2)}, c}] = messaging.Receipt{}
	}
	if a.add(messaging.Receipt{Device: device, Conversation: c}) {
		t.Error("more wait than may")
	}

	s, _ := alone(t, Config{})
	s.todo = []todo{{frame: &wire.Ack{Conversation: c, Seq: 2}}, {frame: &wire.Ack{Conversation: c, Seq: 1, Read: true}}}
	if !s.merged(&wire.Ack{Conversation: c, Seq: 9}) || s.todo[0].frame.(*wire.Ack).Seq != 9 || s.todo[1].frame.(*wire.Ack).Seq != 1 {
		t.Errorf("%+v %+v", s.todo[0].frame, s.todo[1].frame)
	}
	if s.merged(&wire.Ack{Conversation: messaging.NewConversationID(messaging.Group), Seq: 9}) || s.merged(&wire.Typing{Conversation: c}) {
		t.Error("what says something else is dropped")
	}
}

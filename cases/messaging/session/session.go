package session

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
	"designkits/cases/messaging/wire"
)

// A Session is what is kept for one connected device. Opened, Frame and Closed
// are called one at a time, in this order.
type Session struct {
	hub    *Hub
	device messaging.Address
	number uint64 // of the connection
	token  string // renewed, until it is told
	conn   Conn   // set by Opened, before anybody else can reach it

	tokens float32 // of Frame: what it may still send
	over   int16   // of Frame: frames refused in a row
	filled int64   // of Frame: when tokens was right, ns since 1970

	mu      sync.Mutex
	silent  *time.Timer // until it has entered
	live    bool
	closed  bool
	routed  routed
	working bool     // a goroutine follows what is in todo
	todo    []todo   // nil when empty
	bytes   int      // of todo
	catchUp *catchUp // while it catches up
	early   *held    // before it asks to
}

// routed is what has become of putting a session's route.
type routed uint8

const (
	notYet routed = iota // it hasn't entered, or is about to
	isPut
	failed // the refresh does it
)

// How much of a device's frames may wait to be followed, and how much of all: an
// acknowledgement for each message of a page has room.
const (
	maxTodo    = 2 * inboxPage
	maxBytes   = 512 << 10 // of one device; one frame always has room
	maxWaiting = 64 << 20  // bytes of all
)

// How long following a frame may take. A message waits for a new owner of its
// conversation, when the old one has just died.
const (
	sendWithin = 15 * time.Second
	doWithin   = 5 * time.Second
	openWithin = 3 * time.Second
)

// firstWithin is how long a connection may say nothing at first. Nobody is told of it
// until then.
const firstWithin = 30 * time.Second

// Opened says that the device is connected. It takes the place of its connection before
// only with the first frame that it says: a gateway under load may come to a handshake
// after the device has given it up and connected elsewhere.
func (s *Session) Opened(conn Conn) {
	s.conn = conn
	s.silent = time.AfterFunc(firstWithin, func() { conn.Close(CodePolicy, "nothing was said") })
	resume, err := s.hub.cfg.Resume(s.device)
	if err != nil {
		s.hub.cfg.Log.Error("no resume token", "error", err.Error()) // it has its own
	}
	conn.Send(wire.Encode(wire.Welcome{Device: s.device, Gateway: s.hub.cfg.Gateway, Resume: resume, Token: s.token}))
	s.token = ""
}

// enter makes the connection its device's, and reports whether it is.
func (s *Session) enter(ctx context.Context) bool {
	s.mu.Lock()
	if closed := s.closed; closed || s.silent == nil {
		s.mu.Unlock()
		return !closed
	}
	s.silent.Stop()
	s.silent = nil
	before := s.hub.join(s)
	s.mu.Unlock()
	if before != nil {
		before.end(Replaced)
		s.hub.unwatch(s.device)
	}
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	elsewhere, err := s.hub.cfg.Routes.Put(ctx, s.route())
	s.mu.Lock()
	if s.routed = isPut; err != nil {
		s.routed = failed
	}
	s.mu.Unlock()
	switch {
	case errors.Is(err, messaging.ErrRevoked):
		s.end(Revoked)
		return false
	case err != nil:
		// The refresh writes it as soon as it can, and has the device catch up.
		s.hub.cfg.Log.Warn("a device's route isn't known", "device", s.device.String(), "error", err.Error())
	case elsewhere != nil && elsewhere.Gateway != s.hub.cfg.Gateway:
		if err := s.hub.cfg.Peers.End(ctx, *elsewhere); err != nil {
			s.hub.cfg.Log.Debug("a replaced connection ends later", "error", err.Error()) // at its gateway's refresh
		}
	}
	s.hub.sight(ctx, presence.Beat(time.Now()), s.device)
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed { // meanwhile, so that Closed came before the route
		s.left()
	}
	return !closed
}

func (s *Session) route() Route {
	return Route{Device: s.device, Gateway: s.hub.cfg.Gateway, Number: s.number}
}

// Frame takes a frame of the device, and doesn't wait for what comes of it.
func (s *Session) Frame(text []byte) {
	if !s.allow(time.Now()) {
		s.tooSoon(text)
		return
	}
	frame, err := wire.Up(text)
	if err != nil {
		s.refuse("", err)
		return
	}
	s.enqueue(frame, len(text))
}

// Closed says that the connection has ended.
func (s *Session) Closed() {
	s.mu.Lock()
	for _, t := range s.todo {
		s.hub.waiting.Add(-int64(t.size))
	}
	s.closed, s.live, s.todo, s.bytes, s.catchUp, s.early = true, false, nil, 0, nil, nil
	if s.silent != nil {
		s.silent.Stop()
	}
	s.mu.Unlock()
	if !s.hub.leave(s) {
		return // it hasn't entered, or the route is the next connection's
	}
	s.hub.unwatch(s.device)
	s.left()
}

// left takes back what entering has told the others.
func (s *Session) left() {
	ctx, cancel := context.WithTimeout(s.hub.ctx, openWithin)
	defer cancel()
	if err := s.hub.cfg.Routes.Remove(ctx, s.route()); err != nil {
		s.hub.cfg.Log.Debug("a route expires", "error", err.Error())
	}
	s.hub.sight(ctx, presence.Left(time.Now()), s.device)
}

// enqueue has a frame followed after those before it.
func (s *Session) enqueue(frame any, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return
	case s.merged(frame):
		return
	case len(s.todo) >= maxTodo || len(s.todo) > 0 && s.bytes+size > maxBytes || s.hub.waiting.Load() > maxWaiting:
		if _, ok := frame.(*wire.Resume); ok {
			s.refuseResume(refOf(frame), messaging.ErrBusy)
		} else {
			s.refuse(refOf(frame), messaging.ErrBusy)
		}
		return
	}
	s.todo = append(s.todo, todo{frame, size})
	s.bytes += size
	s.hub.waiting.Add(int64(size))
	if !s.working {
		s.working = true
		s.hub.work.Go(s.follow)
	}
}

type todo struct {
	frame any
	size  int
}

// merged reports whether an acknowledgement that waits says the frame as well: the
// last of a conversation stands for those before it. s.mu is held.
func (s *Session) merged(frame any) bool {
	ack, ok := frame.(*wire.Ack)
	if !ok {
		return false
	}
	for _, t := range s.todo {
		if before, ok := t.frame.(*wire.Ack); ok && before.Conversation == ack.Conversation && before.Read == ack.Read {
			before.Seq = max(before.Seq, ack.Seq)
			return true
		}
	}
	return false
}

// follow does what the frames ask for, until there are none.
func (s *Session) follow() {
	for {
		s.mu.Lock()
		if len(s.todo) == 0 {
			s.working, s.todo = false, nil
			s.mu.Unlock()
			return
		}
		next := s.todo[0]
		s.todo = s.todo[1:]
		s.bytes -= next.size
		s.mu.Unlock()
		s.do(next.frame)
		s.hub.waiting.Add(-int64(next.size))
	}
}

// deliver sends what is stored as well. When it can't be sent now it is kept for when
// the device has caught up: of a device that is connected it may not be in the inbox yet.
func (s *Session) deliver(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.catchUp != nil:
		s.catchUp.hold(frame)
	case s.live:
		s.live = s.conn.Send(frame)
	case !s.closed:
		if s.early == nil {
			s.early = &held{}
		}
		s.early.hold(frame)
	}
}

// whisper sends what is stored nowhere, to who is there for it.
func (s *Session) whisper(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live {
		s.live = s.conn.Send(frame)
	}
}

// end closes the connection since the device is elsewhere, or nowhere any more.
func (s *Session) end(why Standing) {
	s.mu.Lock()
	s.live, s.catchUp, s.early = false, nil, nil
	s.mu.Unlock()
	if why == Revoked {
		s.conn.Close(wire.CodeRevoked, messaging.ErrRevoked.Error())
	} else {
		s.conn.Close(wire.CodeReplaced, "this device has connected once more")
	}
}

func (s *Session) move(within time.Duration) {
	s.conn.Send(wire.Encode(wire.Move{After: rand.N(within)}))
}

// allow takes one from what the device may send.
func (s *Session) allow(now time.Time) bool {
	passed := float64(now.UnixNano()-s.filled) / float64(time.Second)
	s.filled = now.UnixNano()
	s.tokens = float32(min(float64(s.tokens)+passed*s.hub.cfg.Rate, s.hub.cfg.Burst))
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	s.over = 0
	return true
}

// tooSoon answers a frame that wasn't allowed, with its ref, so that it can be sent
// again. Who goes on for as long again after being told is closed.
func (s *Session) tooSoon(text []byte) {
	if s.over++; float64(s.over) > s.hub.cfg.Burst {
		s.conn.Close(CodePolicy, "too many frames")
		return
	}
	var of struct {
		Ref string `json:"ref"`
	}
	_ = json.Unmarshal(text, &of) // what can't be read has none
	s.refuse(of.Ref, errTooOften)
}

// Package session is what a gateway does for the devices that are connected to
// it: it passes on what they send, brings them what their inboxes hold and then
// what is announced, in order, and keeps count of what they have.
//
// A Hub has a Session for each device. An idle session is a hundred bytes or two:
// no goroutine, no buffer, no timer. A device's frames are followed one after the
// other, in the order sent; one device that waits for the chat process holds up no
// other.
//
// A connection becomes its device's with the first frame that comes on it, and ends
// the one before. A device is in one of three states. It is quiet until it asks to Resume:
// nothing is sent. Then it catches up, page by page, each after it has acknowledged the
// one before; what is announced until the end of that is held, and when that becomes
// too much the inbox is read once more instead. Then it is live. When it
// reads too slowly it is told so, and is quiet again.
//
// The route is written before the inbox is read, and the chat process looks up the
// route after it has written the inbox, or sends and looks two seconds later who hasn't
// acknowledged, writes their inboxes, and looks up the route again: so a message is
// found by the one or sent by the other. A device that misses what was sent, since it
// reads too slowly or its connection ends, is given notice of it then.
package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/presence"
)

// Config is what a Hub needs. The zero value of a number means its default.
type Config struct {
	Gateway  string // this gateway's name
	Chat     Chat
	Inbox    messaging.Inbox
	History  messaging.History
	Rosters  messaging.Rosters
	Members  Members
	Receipts messaging.Receipts
	Devices  func(ctx context.Context, users []messaging.UserID) ([]messaging.Device, error)
	Routes   Routes
	Peers    Peers
	Limits   Limits
	Presence presence.Store
	Settings presence.Settings
	// Resume makes the token with which a device comes back.
	Resume func(messaging.Address) (string, error)
	Log    *slog.Logger

	// A device may send so many frames a second, and so many at once. Defaults 50
	// and 200.
	Rate, Burst float64
	// Conversations that a person may begin in an hour; default 100.
	Creates int
	// Conversations that a person may be in; default messaging.MaxConversations.
	Conversations int
	// TellUpTo is the number of members up to which others are told of typing and
	// of receipts; default 100.
	TellUpTo int
	// Tellings of presence that leave in a second; default 2000.
	Tellings int
	// Stored, when set, is told of receipts that are stored.
	Stored func(ctx context.Context, receipts []messaging.Receipt) error
	// Took, when set, is told how long a message took to be committed.
	Took func(time.Duration)
}

// A Hub has the sessions of one gateway. Its methods may be called by many
// goroutines at once.
type Hub struct {
	cfg     Config
	known   known
	acks    acks // to be stored
	drops   acks // stored, and to be dropped from inboxes
	tells   acks // to be told to others
	watches watches
	Counts  Counts

	work    sync.WaitGroup // goroutines of devices with something to do
	ctx     context.Context
	cancel  context.CancelFunc
	waiting atomic.Int64 // bytes of frames that wait to be followed

	mu       sync.RWMutex
	sessions map[messaging.Address]*Session
}

// Counts are what has happened since the process began.
type Counts struct {
	Sent, Refused, Delivered, Told, Caught, Acknowledged atomic.Int64
}

// New returns a hub without sessions. Run has to run until it is closed.
func New(cfg Config) *Hub {
	if cfg.Rate == 0 {
		cfg.Rate = 50
	}
	if cfg.Burst == 0 {
		cfg.Burst = 200
	}
	if cfg.Creates == 0 {
		cfg.Creates = 100
	}
	if cfg.Conversations == 0 {
		cfg.Conversations = messaging.MaxConversations
	}
	if cfg.TellUpTo == 0 {
		cfg.TellUpTo = 100
	}
	if cfg.Tellings == 0 {
		cfg.Tellings = 2000
	}
	h := &Hub{cfg: cfg, sessions: map[messaging.Address]*Session{}}
	h.known.init(cfg)
	h.acks.init()
	h.drops.init()
	h.tells.init()
	h.watches.board, h.watches.asked = presence.NewBoard(cfg.Tellings, cfg.Tellings), map[messaging.Address]asked{}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// New returns the session of a device that is about to be connected, and that is told
// of the token in place of its own, unless that is "".
func (h *Hub) New(device messaging.Address, token string) *Session {
	var number [8]byte
	_, _ = rand.Read(number[:]) // never fails, see crypto/rand
	return &Session{hub: h, device: device, token: token, number: binary.BigEndian.Uint64(number[:]), tokens: float32(h.cfg.Burst), filled: time.Now().UnixNano()}
}

// Run refreshes routes, stores acknowledgements and tells who is there, until the
// context ends.
func (h *Hub) Run(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return h.acks.follow(ctx, ackPause, doWithin, h.store) })
	all.Go(func() error { return h.tells.follow(ctx, tellPause, doWithin, h.spread) })
	all.Go(func() error { return h.drops.follow(ctx, dropPause, dropPause, h.drop) })
	all.Go(func() error { return every(ctx, refreshEvery, h.Refresh) })
	all.Go(func() error { return every(ctx, tellEvery, h.tellWatchers) })
	all.Go(func() error { return every(ctx, lookEvery, h.look) })
	all.Go(func() error { return every(ctx, settingsEvery, h.heed) })
	return all.Wait()
}

// every does something again and again, until the context ends.
func every(ctx context.Context, interval time.Duration, do func(context.Context)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			do(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends what is done for devices, and waits for it. Their connections are to
// be closed before.
func (h *Hub) Close() {
	h.cancel()
	h.work.Wait()
}

// Devices is how many are connected.
func (h *Hub) Devices() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.sessions)
}

// join makes the session its device's, and returns the one that was.
func (h *Hub) join(s *Session) (before *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before = h.sessions[s.device]
	h.sessions[s.device] = s
	return before
}

// leave reports whether the session was still its device's.
func (h *Hub) leave(s *Session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.device] != s {
		return false
	}
	delete(h.sessions, s.device)
	return true
}

func (h *Hub) of(a messaging.Address) *Session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.sessions[a]
}

func (h *Hub) all() []*Session {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]*Session, 0, len(h.sessions))
	for _, s := range h.sessions {
		all = append(all, s)
	}
	return all
}

// Deliver brings frames to the devices that are here; those of one conversation are
// to come in their order, and one call at a time.
func (h *Hub) Deliver(deliveries []fanout.Delivery) {
	for _, d := range deliveries {
		h.known.learn(d.Conversation, d.Seq)
		for _, device := range d.To {
			s := h.of(device)
			if s == nil {
				continue // it has gone, and finds it in its inbox or is given notice
			}
			s.deliver(d.Frame)
			h.Counts.Delivered.Add(1)
		}
	}
}

// tell passes on what is stored nowhere, here and elsewhere.
func (h *Hub) tell(ctx context.Context, all ...Telling) {
	var elsewhere []Telling
	for _, t := range all {
		others := h.Heard(t.To, t.Frame)
		h.Counts.Told.Add(int64(len(t.To) - len(others)))
		if len(others) > 0 {
			elsewhere = append(elsewhere, Telling{others, t.Frame})
		}
	}
	if len(elsewhere) == 0 {
		return
	}
	if err := h.cfg.Peers.Tell(ctx, elsewhere); err != nil {
		h.cfg.Log.Debug("others were not told", "error", err.Error()) // nobody relies on it
	}
}

// Heard passes a frame that another gateway tells to the devices that are here,
// and returns those that are not.
func (h *Hub) Heard(to []messaging.Address, frame []byte) (elsewhere []messaging.Address) {
	for _, device := range to {
		if s := h.of(device); s != nil {
			s.whisper(frame)
		} else {
			elsewhere = append(elsewhere, device)
		}
	}
	return elsewhere
}

// End closes a connection, if it is here, since the device has connected
// elsewhere or was signed out.
func (h *Hub) End(r Route, why Standing) {
	s := h.of(r.Device)
	if s == nil || why == Replaced && s.number != r.Number {
		return
	}
	s.end(why)
}

// Move tells every device that this gateway will close, and to connect to another
// at its own moment within a while.
func (h *Hub) Move(within time.Duration) {
	for _, s := range h.all() {
		s.move(within)
	}
}

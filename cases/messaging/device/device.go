// Package device is the other side of a gateway: what a device does so that on its
// screen nothing is missing, nothing stands twice, and all is in order, whatever
// dies on the way. The client, in the browser as on the command line, and the
// benches, experiments and tests use it; what it connects by they give it.
//
//   - A message waits in an outbox until it is Sent. After each reconnection it is
//     sent again, under the same id.
//   - A message goes onto the screen when all before it are there. What comes too
//     early is kept, and the gap is asked for; what comes twice is dropped.
//   - What is on the screen is acknowledged.
//   - When the connection ends the next gateway is tried, after a random pause that
//     grows with each try.
package device

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
)

// A Conn is a connection to a gateway. Read is called by one goroutine at a time,
// and so is Write.
type Conn interface {
	// Read returns the next text frame. It ends with the context, when the gateway
	// is silent for SilentFor where pings can be seen, and with a *Closed when the
	// gateway has said why.
	Read(ctx context.Context) ([]byte, error)
	// Write sends a text frame, or fails after a few seconds.
	Write(frame []byte) error
	// Close ends the connection and what waits in Read.
	Close()
}

// Closed says with which code the gateway has closed a connection.
type Closed struct {
	Code   int
	Reason string
}

func (c *Closed) Error() string {
	return fmt.Sprintf("the gateway has closed the connection: %s (%d)", c.Reason, c.Code)
}

// Times of a connection.
const (
	DialWithin  = 10 * time.Second // a gateway to which thousands come at once takes some, and what it has begun isn't lost
	WriteWithin = 5 * time.Second
	SilentFor   = 75 * time.Second // no ping of the gateway's either
	// AnswerWithin is twice as long as a gateway takes to follow a frame at most.
	AnswerWithin = 10 * time.Second
)

// Config says who connects where.
type Config struct {
	Address messaging.Address
	Token   string // the gateway may give another in its place
	// Gateways returns those to try, "host:port".
	Gateways func() []string
	// Dial connects to one of them, at /connect, offering WebSocket subprotocols.
	Dial func(ctx context.Context, gateway string, protocols []string) (Conn, error)
	// Has is how far the device has each conversation already: these messages are
	// not shown again. All asks at the beginning how far all conversations are: for
	// a device that has nothing yet, or was away for longer than its inbox keeps.
	Has map[messaging.ConversationID]messaging.Seq
	All bool
	// Shown is called for each message that goes onto the screen, in order; one
	// call at a time, and it calls no method of the device. When it has returned the
	// message is acknowledged. Its error ends Run.
	Shown func(messaging.Message) error
	// Heard, if set, is called for the frames that bring no message: a *wire.Receipt,
	// *wire.TypingBy or *wire.Presence; with a *wire.Roster of all pages; with a
	// *wire.Welcome that brings a token; and with an On when the connection's state has
	// changed. It calls no method of the device either.
	Heard func(frame any)
}

// On says what the connection is at.
type On struct {
	Gateway string // "" while there is none
	Current bool   // it has caught up
}

// A Device is one that connects. Its methods may be called by many goroutines at
// once.
type Device struct {
	cfg Config

	mu      sync.Mutex
	token   string
	conn    Conn // nil while there is none
	on      On
	outbox  []*outgoing // in the order of Send
	screens map[messaging.ConversationID]*screen
	rosters map[messaging.ConversationID]*gathering // that are on their way
	pages   int                                     // of rosters, asked for so far
	watched *wire.Watch                             // said again after each reconnection
	acking  bool                                    // acknowledgements are about to be sent
	later   []func() any                            // frames that were refused for now
	looking bool                                    // it asks once more how far all conversations are
	tries   int
	ends    int   // of connections
	frames  int   // that came
	failed  error // of Shown
}

type outgoing struct {
	frame wire.Send
	done  chan result // of one
}

type result struct {
	sent wire.Sent
	err  error
}

// New returns a device. Run connects it.
func New(cfg Config) *Device {
	d := &Device{cfg: cfg, token: cfg.Token, screens: map[messaging.ConversationID]*screen{}, rosters: map[messaging.ConversationID]*gathering{}}
	for c, last := range cfg.Has {
		d.screen(c).next = last + 1
	}
	return d
}

const (
	firstPause = 50 * time.Millisecond
	mostPause  = 3 * time.Second
)

// Run stays connected until the context ends, until the device is told to stay
// away, since it is connected elsewhere or was signed out, or until Shown fails.
func (d *Device) Run(ctx context.Context) error {
	at := rand.Int()
	for {
		gateways := d.cfg.Gateways()
		if len(gateways) > 0 {
			at++
			conn, err := d.dial(ctx, gateways[at%len(gateways)])
			if err == nil {
				err = d.serve(ctx, conn)
			}
			var closed *Closed
			if errors.As(err, &closed) && (closed.Code == wire.CodeRevoked || closed.Code == wire.CodeReplaced) {
				return closed
			}
		}
		d.mu.Lock()
		d.tries++
		most, failed := min(firstPause<<min(d.tries, 10), mostPause), d.failed
		d.mu.Unlock()
		if failed != nil {
			return failed
		}
		select {
		case <-time.After(rand.N(most)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *Device) dial(ctx context.Context, gateway string) (Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, DialWithin)
	defer cancel()
	d.mu.Lock()
	token := d.token
	d.mu.Unlock()
	return d.cfg.Dial(ctx, gateway, []string{identity.Protocol, identity.Bearer(token)})
}

// serve hears what one connection brings until it ends.
func (d *Device) serve(ctx context.Context, conn Conn) error {
	defer conn.Close()
	defer d.lost()
	for {
		text, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		frame, err := wire.Down(text)
		if err != nil {
			return fmt.Errorf("a frame of the gateway: %w", err)
		}
		if err := d.heard(conn, frame); err != nil {
			return err
		}
	}
}

func (d *Device) lost() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn, d.later = nil, nil // the next connection says all anew
	d.turn(On{})
	d.ends++
}

// turn notes what the connection is at, and tells. d.mu is held.
func (d *Device) turn(on On) {
	if d.on == on {
		return
	}
	d.on = on
	d.tell(on)
}

func (d *Device) tell(frame any) {
	if d.cfg.Heard != nil {
		d.cfg.Heard(frame)
	}
}

// On is what the connection is at.
func (d *Device) On() On {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on
}

// Current reports whether the device is connected and has caught up.
func (d *Device) Current() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on.Current
}

// Ends is how many connections have ended.
func (d *Device) Ends() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ends
}

// Send has a message committed and returns its place, or a *Refusal. When the
// context ends before, it is sent on all the same: sending it once more, under its
// id, is safe.
func (d *Device) Send(ctx context.Context, m wire.Send) (wire.Sent, error) {
	m.Ref = string(m.ID)
	o := &outgoing{frame: m, done: make(chan result, 1)}
	d.mu.Lock()
	d.outbox = append(d.outbox, o)
	d.bring(o)
	d.mu.Unlock()
	select {
	case r := <-o.done:
		return r.sent, r.err
	case <-ctx.Done():
		return wire.Sent{}, ctx.Err()
	}
}

// Read says that the person has seen the conversation up to a number. It is said
// again after a reconnection.
func (d *Device) Read(c messaging.ConversationID, upTo messaging.Seq) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.screen(c); upTo > s.read && upTo < s.next {
		s.read = upTo
		d.write(wire.Ack{Conversation: c, Seq: upTo, Read: true})
	}
}

// Type tells the others.
func (d *Device) Type(c messaging.ConversationID, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.write(wire.Typing{Conversation: c, On: on})
}

// Watch says whose presence is to be told, in place of those before: members of the
// conversation that is open.
func (d *Device) Watch(c messaging.ConversationID, users []messaging.UserID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watched = &wire.Watch{Ref: watchRef, Conversation: c, Users: users}
	d.write(*d.watched)
}

// write sends a frame, if there is a connection; one that can't be written to ends,
// and its reader says so. d.mu is held.
func (d *Device) write(frame any) {
	if d.conn == nil {
		return
	}
	if err := d.conn.Write(wire.Encode(frame)); err != nil {
		d.conn.Close()
	}
}

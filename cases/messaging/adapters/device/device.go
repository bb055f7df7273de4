// Package device is the other side of a gateway: what a device does so that on its
// screen nothing is missing, nothing stands twice, and all is in order, whatever
// dies on the way. The benches, experiments and tests use it; the page does the
// same in JavaScript.
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
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
)

// Config says who connects where.
type Config struct {
	Address messaging.Address
	Token   string
	// Gateways returns those to try, "host:port".
	Gateways func() []string
	// Shown is called for each message that goes onto the screen, in order; one
	// call at a time.
	Shown func(messaging.Message)
}

// A Device is one that connects. Its methods may be called by many goroutines at
// once.
type Device struct {
	cfg Config

	mu      sync.Mutex
	conn    *websocket.Conn // nil while there is none
	current bool            // it has caught up
	outbox  []*outgoing     // in the order of Send
	screens map[messaging.ConversationID]*screen
	tries   int
	ends    int // of connections
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
	return &Device{cfg: cfg, screens: map[messaging.ConversationID]*screen{}}
}

const (
	firstPause  = 50 * time.Millisecond
	mostPause   = 3 * time.Second
	silentFor   = 75 * time.Second // no ping of the gateway's either
	writeWithin = 5 * time.Second
)

// Run stays connected until the context ends, or until the device is told to stay
// away: it is connected elsewhere, or was signed out.
func (d *Device) Run(ctx context.Context) error {
	at := rand.Int()
	for {
		gateways := d.cfg.Gateways()
		if len(gateways) > 0 {
			at++
			err := d.connect(ctx, gateways[at%len(gateways)])
			var closed *websocket.CloseError
			if errors.As(err, &closed) && (closed.Code == 4001 || closed.Code == 4003) {
				return closed
			}
		}
		d.mu.Lock()
		d.tries++
		most := min(firstPause<<min(d.tries, 10), mostPause)
		d.mu.Unlock()
		select {
		case <-time.After(rand.N(most)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connect serves one connection until it ends.
func (d *Device) connect(ctx context.Context, gateway string) error {
	dialer := websocket.Dialer{HandshakeTimeout: 5 * time.Second, Subprotocols: []string{identity.Protocol, identity.Bearer(d.cfg.Token)}}
	conn, res, err := dialer.DialContext(ctx, "ws://"+gateway+"/connect", http.Header{})
	if err != nil {
		if res != nil {
			err = fmt.Errorf("%w: %s", err, res.Status)
		}
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // a read doesn't hear of the context's end
	defer d.lost()
	alive := func() error { return conn.SetReadDeadline(time.Now().Add(silentFor)) }
	answer := conn.PingHandler()
	conn.SetPingHandler(func(text string) error {
		_ = alive()
		return answer(text)
	})
	for {
		if err := alive(); err != nil {
			return err
		}
		_, text, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		frame, err := wire.Down(text)
		if err != nil {
			return fmt.Errorf("a frame of %s: %w", gateway, err)
		}
		if err := d.heard(conn, frame); err != nil {
			return err
		}
	}
}

func (d *Device) lost() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn, d.current = nil, false
	d.ends++
	for _, s := range d.screens {
		s.asked = 0 // the answer will not come
	}
}

// Current reports whether the device is connected and has caught up.
func (d *Device) Current() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current
}

// Ends is how many connections have ended.
func (d *Device) Ends() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ends
}

// Send has a message committed and returns its place. It is sent again until it
// is, or refused for good, or the context ends.
func (d *Device) Send(ctx context.Context, m wire.Send) (wire.Sent, error) {
	m.Ref = string(m.ID)
	o := &outgoing{frame: m, done: make(chan result, 1)}
	d.mu.Lock()
	d.outbox = append(d.outbox, o)
	if d.conn != nil {
		d.write(m)
	}
	d.mu.Unlock()
	select {
	case r := <-o.done:
		return r.sent, r.err
	case <-ctx.Done():
		return wire.Sent{}, ctx.Err()
	}
}

// Type tells the others.
func (d *Device) Type(c messaging.ConversationID, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.write(wire.Typing{Conversation: c, On: on})
}

// write sends a frame, if there is a connection; one that can't be written to ends,
// and its reader says so. d.mu is held.
func (d *Device) write(frame any) {
	if d.conn == nil {
		return
	}
	_ = d.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	if err := d.conn.WriteMessage(websocket.TextMessage, wire.Encode(frame)); err != nil {
		_ = d.conn.Close()
	}
}

package websocket

import (
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// An outgoing frame: text or binary, its own or one that goes to many, or control.
type outgoing struct {
	op     byte
	text   []byte
	shared *Shared
}

func (o outgoing) size() int {
	if o.shared != nil {
		return o.shared.size
	}
	return len(o.text)
}

// A Shared is a text frame for many connections: it is made and compressed once.
type Shared struct {
	prepared *websocket.PreparedMessage
	size     int
}

// Share prepares text for many connections. The bytes are kept.
func Share(text []byte) (*Shared, error) {
	prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil {
		return nil, fmt.Errorf("websocket: prepare a frame for many: %w", err)
	}
	return &Shared{prepared, len(text)}, nil
}

// An outbound is what waits to be sent on one connection; guarded by its mu.
type outbound struct {
	queue   []outgoing // nil when empty: an idle connection keeps nothing
	bytes   int
	lagging bool // in resume mode
	pumping bool // a writer has the connection or is about to
	blocked bool // the kernel had no room; epoll tells when it has
	// since is when what is being written was first refused; zero while all goes
	// well. A client that takes a byte now and then doesn't move it.
	since time.Time
}

func (o *outbound) push(f outgoing) {
	o.queue = append(o.queue, f)
	o.bytes += f.size()
}

// take removes frames of about that many bytes, at least one, from the front.
func (o *outbound) take(enough int) []outgoing {
	n, bytes := 0, 0
	for n < len(o.queue) && bytes < enough {
		bytes += o.queue[n].size()
		n++
	}
	front := o.queue[:n:n]
	o.bytes -= bytes
	if o.queue = o.queue[n:]; len(o.queue) == 0 {
		o.queue = nil
	}
	return front
}

// full reports whether the frame has no room. An empty queue has room for any.
func (o *outbound) full(f outgoing, cfg *Config) bool {
	return len(o.queue) >= cfg.QueueFrames || len(o.queue) > 0 && o.bytes+f.size() > cfg.QueueBytes
}

// Send sends a text frame, in the order of the calls. The bytes are kept until it
// has gone out and must not change. It never blocks: ErrLagging and ErrClosed say
// that it will not be sent.
func (c *Conn) Send(text []byte) error { return c.send(outgoing{op: opText, text: text}) }

// SendBinary is Send for a binary frame.
func (c *Conn) SendBinary(data []byte) error { return c.send(outgoing{op: opBinary, text: data}) }

// SendShared is Send for a frame that goes to many.
func (c *Conn) SendShared(s *Shared) error { return c.send(outgoing{op: opText, shared: s}) }

func (c *Conn) send(f outgoing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.phase != open:
		return ErrClosed
	case c.out.lagging:
		return ErrLagging
	case c.out.full(f, &c.server.config):
		// What is queued will be caught up with what comes: all of it goes at once,
		// and the memory with it.
		c.out.queue, c.out.bytes, c.out.lagging = nil, 0, true
		c.out.push(outgoing{op: opText, text: c.server.config.Resume})
		c.server.config.Observer.Lagged()
		c.kick()
		return ErrLagging
	}
	c.out.push(f)
	c.kick()
	return nil
}

// Resumed ends resume mode: the client has asked for what it missed. Who answers
// it calls this first and reads the store afterwards, so that what is sent in
// between is in one or the other.
func (c *Conn) Resumed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.lagging = false
}

// Lagging reports whether the connection is in resume mode.
func (c *Conn) Lagging() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.lagging
}

package websocket

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// A Conn is one connection. Its methods may be called by any goroutine, and none
// of them blocks.
type Conn struct {
	server  *Server
	session Session
	ws      *websocket.Conn // makes frames, out of what is written to socket
	socket  socket
	addr    netip.Addr
	at      ticket
	deflate bool

	heard   atomic.Int64 // when the peer last sent something, ns since 1970
	unwhole atomic.Int64 // since when a message is incomplete; 0: none is
	// Of the reader that is busy with it:
	incoming *decoder // nil between messages
	deaf     bool     // what comes is not looked at any more

	lastWords bool // of the pump: the close frame is among what is written

	mu     sync.Mutex
	phase  phase
	opened bool // the handshake is done
	// busy: a reader has it or is about to. Otherwise, epoll watches.
	busy       bool
	peerClosed bool
	code       Code // of Closed
	reason     string
	closeSent  time.Time // when the close frame was
	pinged     int64     // when it was asked whether it is there
	out        outbound
}

// A phase is how far a connection's life has come.
type phase uint8

const (
	open    phase = iota
	closing       // a close frame is on its way, or was sent
	ended         // the socket is closed
)

// Address is whom the connection counts for.
func (c *Conn) Address() netip.Addr { return c.addr }

// begin ends the handshake: from here on frames come and go.
func (c *Conn) begin() {
	c.mu.Lock()
	c.opened = true
	if c.phase == ended {
		c.socket.close()
	} else {
		c.kick()
	}
	c.mu.Unlock()
	c.guard(func() { c.session.Opened(c) })
	c.server.watch(c)
}

// Close says goodbye with a code and a reason of at most 123 bytes, after what
// was sent before, and ends the connection when the peer has answered or
// Config.CloseTimeout is over. Later frames of the peer are not looked at.
func (c *Conn) Close(code Code, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut(code, reason, websocket.FormatCloseMessage(int(code), reason[:min(len(reason), 123)]))
}

// shut begins to close, unless that has begun. c.mu is held.
func (c *Conn) shut(code Code, reason string, frame []byte) {
	if c.phase != open {
		return
	}
	c.phase, c.code, c.reason = closing, code, reason
	c.out.push(outgoing{op: opClose, text: frame})
	c.kick()
}

// fail closes the connection for what the peer has done.
func (c *Conn) fail(f *failure) { c.Close(f.code, f.reason) }

// end closes the socket. The session hears of it from a reader, after what it is
// busy with.
func (c *Conn) end(code Code, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == ended {
		return
	}
	if c.phase == open {
		c.code, c.reason = code, reason
	}
	c.phase = ended
	if c.opened {
		c.socket.close()
	}
	if !c.busy {
		c.busy = true
		c.server.readers.join(c)
	}
}

// finish is the last of a connection; its reader calls it when it has ended.
func (c *Conn) finish() {
	c.mu.Lock()
	c.out = outbound{pumping: c.out.pumping}
	code, reason := c.code, c.reason
	c.mu.Unlock()
	c.dropDecoder()
	c.guard(func() { c.session.Closed(c, code, reason) })
	c.server.config.Observer.Closed(code)
	c.server.addresses.release(c.addr)
	c.server.table.remove(c.at)
}

// look is called for every connection from time to time: it is all its timeouts. This
// process has been awake since then: none is over before that is as long ago.
func (c *Conn) look(now, awake time.Time) {
	cfg := &c.server.config
	over := func(since time.Time, timeout time.Duration) bool {
		return !since.IsZero() && now.Sub(since) > timeout && now.Sub(awake) > timeout
	}
	heard := time.Unix(0, c.heard.Load())
	silent := now.Sub(heard)
	if since := c.unwhole.Load(); since != 0 && over(time.Unix(0, since), cfg.MessageTimeout) {
		c.fail(errNeverFinished)
	}
	c.mu.Lock()
	late := over(c.out.since, cfg.WriteTimeout) || over(heard, cfg.IdleTimeout) || over(c.closeSent, cfg.CloseTimeout)
	if c.opened && c.phase == open && silent > cfg.PingEvery && now.UnixNano()-c.pinged > int64(cfg.PingEvery) {
		c.pinged = now.UnixNano()
		c.out.push(outgoing{op: opPing})
		c.kick()
	}
	late = late && c.opened
	c.mu.Unlock()
	if late {
		c.end(CodeAbnormal, "")
	}
}

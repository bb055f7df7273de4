package websocket

import (
	"encoding/binary"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

const (
	readBuffer = 16 << 10
	// readRounds is how many buffers of one connection are read before others have
	// their turn.
	readRounds = 4
)

var (
	readBuffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}
	decoders    = sync.Pool{New: func() any { return new(decoder) }}
)

// watch begins to wait for what the peer sends.
func (s *Server) watch(c *Conn) {
	if c.socket.raw == nil {
		s.work.Go(c.serveAlone)
		return
	}
	c.mu.Lock()
	if c.phase != ended {
		c.busy = false
		if err := s.epoll.add(c); err == nil {
			c.mu.Unlock()
			return
		}
		c.busy = true
	}
	c.mu.Unlock()
	c.end(CodeInternal, "this side can't watch one more connection")
	s.readers.join(c)
}

// serve reads what is there. It has the connection's reading side for itself:
// busy says so.
func (c *Conn) serve() {
	buffer := readBuffers.Get().(*[readBuffer]byte)
	for range readRounds {
		n, err := c.socket.read(buffer[:])
		if err == errNothing {
			break
		}
		if err != nil {
			c.end(CodeAbnormal, "")
			break
		}
		c.receive(buffer[:n])
		if n < len(buffer) {
			break
		}
	}
	readBuffers.Put(buffer)
	c.mu.Lock()
	if c.phase == ended {
		c.mu.Unlock()
		c.finish()
		return
	}
	c.busy = false
	c.server.epoll.arm(c)
	c.mu.Unlock()
}

// serveAlone serves a connection that can't be watched, by a goroutine that waits
// in its read.
func (c *Conn) serveAlone() {
	buffer := make([]byte, 1<<10)
	for {
		n, err := c.socket.Read(buffer)
		if n > 0 {
			c.receive(buffer[:n])
		}
		if err != nil {
			c.end(CodeAbnormal, "")
			c.finish()
			return
		}
	}
}

// receive takes what the peer has sent.
func (c *Conn) receive(data []byte) {
	c.heard.Store(time.Now().UnixNano())
	if c.deaf {
		return
	}
	if c.incoming == nil {
		c.incoming = decoders.Get().(*decoder)
		c.incoming.max, c.incoming.deflate = c.server.config.MaxMessage, c.deflate
	}
	for len(data) > 0 && !c.deaf {
		m, rest, ok, fail := c.incoming.decode(data)
		if fail != nil {
			c.deaf = true // what follows can't be told apart
			c.fail(fail)
			break
		}
		if !ok {
			break
		}
		data = rest
		c.handle(m)
	}
	switch {
	case c.deaf || c.incoming.idle():
		c.dropDecoder()
	case c.unwhole.Load() == 0:
		c.unwhole.Store(time.Now().UnixNano())
	}
}

// dropDecoder gives the decoder back, for another connection.
func (c *Conn) dropDecoder() {
	c.unwhole.Store(0)
	d := c.incoming
	if d == nil {
		return
	}
	c.incoming = nil
	data, inflated := d.data, d.inflated
	*d = decoder{}
	const keep = 16 << 10 // larger ones are rare, and would stay
	if cap(data) <= keep {
		d.data = data[:0]
	}
	if cap(inflated) <= keep {
		d.inflated = inflated[:0]
	}
	decoders.Put(d)
}

// handle does what a message asks for.
func (c *Conn) handle(m message) {
	if m.op < opClose {
		c.unwhole.Store(0) // another may begin
	}
	switch m.op {
	case opPing:
		c.pong(m.payload)
		return
	case opPong:
		return
	case opClose:
		c.deaf = true
		c.goodbye(m.payload)
		return
	}
	c.mu.Lock()
	listens := c.phase == open
	c.mu.Unlock()
	if !listens {
		return
	}
	c.server.config.Observer.Received(len(m.payload))
	if m.op == opText {
		c.guard(func() { c.session.Frame(c, m.payload) })
	} else if session, ok := c.session.(BinarySession); ok {
		c.guard(func() { session.Binary(c, m.payload) })
	} else {
		c.fail(errBinary)
	}
}

// pong answers a ping. Who sends pings and reads nothing gets no more answers
// than there is room for.
func (c *Conn) pong(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == open && len(c.out.queue) < c.server.config.QueueFrames {
		c.out.push(outgoing{op: opPong, text: append([]byte(nil), payload...)})
		c.kick()
	}
}

// goodbye answers the peer's close frame, or ends the connection if it is an answer.
func (c *Conn) goodbye(payload []byte) {
	code, reason := CodeNoStatus, ""
	if len(payload) > 0 {
		fail := errCloseFrame
		if len(payload) >= 2 {
			code, reason = Code(binary.BigEndian.Uint16(payload)), string(payload[2:])
			if code.receivable() {
				if fail = nil; !utf8.ValidString(reason) {
					fail = errInvalidUTF8
				}
			}
		}
		if fail != nil {
			c.fail(fail)
			return
		}
	}
	c.mu.Lock()
	c.peerClosed = true
	c.shut(code, reason, websocket.FormatCloseMessage(int(code), ""))
	answered := !c.closeSent.IsZero()
	c.mu.Unlock()
	if answered {
		c.end(CodeAbnormal, "")
	}
}

// saidGoodbye is called when the close frame has gone out. The connection is not
// ended before the peer has seen it: what it has sent meanwhile and nobody has
// read would have the kernel reset the connection, and drop the frame.
func (c *Conn) saidGoodbye() {
	c.mu.Lock()
	c.closeSent = time.Now()
	answered := c.peerClosed
	c.mu.Unlock()
	if answered {
		c.end(CodeAbnormal, "")
	} else {
		c.socket.closeWrite()
	}
}

package websocket

import (
	"sync"
	"time"
)

const (
	batch       = 16 << 10 // about how much is written at once
	writeRounds = 8        // of batches, before other connections have their turn
)

// batches are buffers of what is written. A connection has one while it writes,
// and keeps it while the kernel has no room for the rest.
var batches = sync.Pool{New: func() any { return new([]byte) }}

// kick has the queue emptied, unless that is going on. c.mu is held.
func (c *Conn) kick() {
	if !c.opened || c.phase == ended || c.out.pumping || c.out.blocked || len(c.out.queue) == 0 {
		return
	}
	c.out.pumping = true
	if c.socket.raw != nil {
		c.server.writers.join(c)
	} else { // its writes block
		c.server.work.Go(c.pump)
	}
}

// pump writes what is queued, until nothing is left or the kernel has no room. It
// has the connection's writing side for itself: out.pumping says so.
func (c *Conn) pump() {
	for round := 1; ; round++ {
		if len(c.socket.frames) > 0 && !c.flush() {
			return
		}
		c.mu.Lock()
		frames := c.out.take(batch)
		if len(frames) == 0 || c.phase == ended {
			c.out.pumping = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.socket.frames = (*batches.Get().(*[]byte))[:0]
		for _, f := range frames {
			if err := c.frame(f); err != nil {
				c.abandon()
				return
			}
		}
		c.server.config.Observer.Sent(len(frames), len(c.socket.frames))
		if last := frames[len(frames)-1]; last.op == opClose {
			c.lastWords = true
		}
		if round == writeRounds && c.socket.raw != nil {
			c.server.writers.join(c) // others have their turn
			return
		}
	}
}

// frame has gorilla make the frame, into socket.frames.
func (c *Conn) frame(f outgoing) error {
	if f.op >= opClose {
		return c.ws.WriteControl(int(f.op), f.text, time.Time{})
	}
	above := c.server.config.CompressAbove
	c.ws.EnableWriteCompression(above >= 0 && f.size() >= above)
	if f.shared != nil {
		return c.ws.WritePreparedMessage(f.shared.prepared)
	}
	return c.ws.WriteMessage(int(f.op), f.text)
}

// flush writes what was framed; false when the pump must stop: it will be called
// again when there is room, or the connection has ended.
func (c *Conn) flush() bool {
	rest, err := c.socket.write(c.server.config.WriteTimeout)
	switch {
	case err != nil:
		c.abandon()
		return false
	case rest == 0 && c.lastWords:
		c.saidGoodbye()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if rest == 0 {
		c.out.since = time.Time{}
		return true
	}
	c.out.pumping = false
	if c.phase == ended {
		return false
	}
	if c.out.blocked = true; c.out.since.IsZero() {
		c.out.since = time.Now()
	}
	c.server.epoll.arm(c)
	return false
}

// abandon ends a connection that can't be written to.
func (c *Conn) abandon() {
	c.mu.Lock()
	c.out.pumping = false
	c.mu.Unlock()
	c.end(CodeAbnormal, "")
}

package websocket

import "sync"

// A line is where connections wait for a goroutine of a pool. One that waits is
// in it once, so it is as long as there are connections, at most, and joining it
// never blocks.
type line struct {
	mu      sync.Mutex
	some    sync.Cond
	waiting []*Conn
	first   int // of waiting, which is cut off when it is all served
	closed  bool
}

func (l *line) init() { l.some.L = &l.mu }

func (l *line) join(c *Conn) {
	l.mu.Lock()
	l.waiting = append(l.waiting, c)
	l.mu.Unlock()
	l.some.Signal()
}

// next returns the first of the line, waiting for one; nil when the line is closed.
func (l *line) next() *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.first == len(l.waiting) && !l.closed {
		l.some.Wait()
	}
	if l.first == len(l.waiting) {
		return nil
	}
	c := l.waiting[l.first]
	l.waiting[l.first] = nil
	switch l.first++; {
	case l.first == len(l.waiting):
		l.waiting, l.first = l.waiting[:0], 0
	case l.first >= 1024 && l.first*2 >= len(l.waiting):
		// A line that is never empty would grow for ever.
		n := copy(l.waiting, l.waiting[l.first:])
		clear(l.waiting[n:])
		l.waiting, l.first = l.waiting[:n], 0
	}
	return c
}

// each serves the line until it is closed and empty.
func (l *line) each(serve func(*Conn)) {
	for c := l.next(); c != nil; c = l.next() {
		serve(c)
	}
}

func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.some.Broadcast()
}

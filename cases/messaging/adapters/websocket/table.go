package websocket

import (
	"iter"
	"sync"
)

// A ticket names a connection to the kernel, which gives it back with each event.
// The turn tells an event of a connection that has ended from one of the next
// that has its place.
type ticket struct {
	place int32
	turn  int32
}

// A table has all connections.
type table struct {
	mu      sync.RWMutex
	places  []place
	free    []int32
	closed  bool
	emptied chan struct{} // closed when it is closed and the last has gone
}

type place struct {
	conn *Conn
	turn int32
}

// add gives the connection a place, unless most are there already or the table is
// closed.
func (t *table) add(c *Conn, most int) (ticket, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.places)-len(t.free) >= most {
		return ticket{}, false
	}
	if len(t.free) == 0 {
		t.places = append(t.places, place{})
		t.free = append(t.free, int32(len(t.places)-1))
	}
	at := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	p := &t.places[at]
	p.conn = c
	p.turn++
	return ticket{at, p.turn}, true
}

func (t *table) get(at ticket) *Conn {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if p := t.places[at.place]; p.turn == at.turn {
		return p.conn
	}
	return nil
}

func (t *table) remove(at ticket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.places[at.place].conn = nil
	t.free = append(t.free, at.place)
	if t.closed && len(t.free) == len(t.places) {
		close(t.emptied)
	}
}

// shut closes the table: no more connections are added.
func (t *table) shut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed && len(t.free) == len(t.places) {
		close(t.emptied)
	}
	t.closed = true
}

func (t *table) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.places) - len(t.free)
}

func (t *table) all() []*Conn {
	var all []*Conn
	for c := range t.part(0, 1) {
		all = append(all, c)
	}
	return all
}

// part is one of some parts of the connections. The table isn't locked while one
// is looked at.
func (t *table) part(part, parts int) iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		for at := part; ; at += parts {
			t.mu.RLock()
			for at < len(t.places) && t.places[at].conn == nil {
				at += parts
			}
			if at >= len(t.places) {
				t.mu.RUnlock()
				return
			}
			c := t.places[at].conn
			t.mu.RUnlock()
			if !yield(c) {
				return
			}
		}
	}
}

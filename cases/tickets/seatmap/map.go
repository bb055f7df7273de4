package seatmap

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/venue"
)

// A Map is the seats of one event as one process believes them to be. Its
// methods may be called by many goroutines.
type Map struct {
	event tickets.EventID
	hall  *venue.Venue
	now   func() time.Time
	epoch string // tells this process's versions from another's

	mu     sync.Mutex
	seats  []seat // by venue.Number
	ends   ends
	count  [256]int       // seats by state
	unsure int            // seats held until nobody knows when
	trying map[int]bool   // seats that somebody is about to claim, see Propose
	open   []bool         // what can be proposed: free, and nobody tries it
	views  map[Wish]views // for each section and tier that was asked for
	era    uint64         // counts readings of the whole
	begun  int64          // when the last of them began, in ms since 1970
	anew   bool           // somebody has asked for one

	shown   []byte // the state of each seat in the latest version
	changed []int  // seats that may differ from it; a seat may stand there twice
	ring    ring
	whole   []byte // the latest version, encoded; nil until somebody asks

	latest atomic.Pointer[ring] // a copy of the ring, for those who follow
}

// A seat is what is believed of one seat.
type seat struct {
	state byte
	// done says how final the state is among those of one token: a hold that is
	// running may be extended, one that was released is over, a sale stays.
	done  done
	token int64
	until int64  // ms since 1970; 0 for a hold whose end isn't known
	era   uint64 // when it was last changed
}

// endless reports whether the seat is held until nobody knows when.
func (s seat) endless() bool { return s.state == held && s.until == 0 }

// The states of a seat, as they go over the wire.
const (
	free = '.'
	held = 'h'
	sold = 's'
)

type done byte

const (
	running done = iota
	released
	bought
)

// New returns a map on which every seat is free.
func New(event tickets.EventID, hall *venue.Venue, now func() time.Time) *Map {
	n := len(hall.All())
	m := &Map{
		event: event, hall: hall, now: now, epoch: strings.ToLower(rand.Text()[:6]),
		seats: make([]seat, n), shown: []byte(strings.Repeat(string(rune(free)), n)),
		trying: map[int]bool{}, open: make([]bool, n), views: map[Wish]views{},
	}
	for i := range m.seats {
		m.seats[i].state, m.open[i] = free, true
	}
	m.count[free] = n
	m.publish()
	return m
}

// Apply takes in a change, unless the map knows better already.
func (m *Map) Apply(c Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(c.Seats) == 0 {
		m.anew = true
	}
	next := seat{state: free, done: released, token: c.Token, era: m.era}
	switch c.State {
	case tickets.Held:
		next.state, next.done, next.until = held, running, c.Until.UnixMilli()
		if !c.Until.After(m.now()) {
			return // it came too late to matter
		}
	case tickets.Paid:
		next.state, next.done = sold, bought
	}
	for _, id := range c.Seats {
		n, ok := m.hall.Number(id)
		if !ok {
			continue // of a hall that the event has moved out of
		}
		was := m.seats[n]
		if was.token > c.Token || was.token == c.Token && was.done > next.done {
			continue
		}
		if next.state == held {
			if was.token == c.Token && was.state == held && was.until >= next.until {
				continue // it is known, or an extension overtook the hold
			}
			m.ends.push(end{next.until, n})
		}
		m.set(n, next)
	}
}

// set changes a seat. The caller holds the lock.
func (m *Map) set(n int, s seat) {
	was := m.seats[n]
	if was.state != s.state {
		m.changed = append(m.changed, n)
		m.count[was.state]--
		m.count[s.state]++
	}
	if was.endless() {
		m.unsure--
	}
	if s.endless() {
		m.unsure++
	}
	m.seats[n] = s
	m.open[n] = s.state == free && !m.trying[n]
}

// Expire frees the seats whose hold has ended.
func (m *Map) Expire() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now().UnixMilli()
	for m.ends.due(now) {
		n := m.ends.pop().seat
		if s := m.seats[n]; s.state == held && s.until != 0 && s.until <= now {
			s.state, s.era = free, m.era
			m.set(n, s)
		}
	}
}

// Reading begins a reading of the whole, and returns what Read needs to know
// which of it was overtaken.
func (m *Map) Reading() (era uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.anew = false
	m.era++
	m.begun = m.now().UnixMilli()
	return m.era
}

// readStep is how many seats Read looks at before it lets others have the map.
const readStep = 4096

// Read takes in what Claims said of the seats, except of those that have
// changed since the reading began.
func (m *Map) Read(states map[tickets.SeatID]tickets.State, era uint64) {
	first := 0
	for some := range slices.Chunk(m.hall.All(), readStep) {
		m.readSome(first, some, states, era)
		first += len(some)
	}
}

func (m *Map) readSome(first int, ids []tickets.SeatID, states map[tickets.SeatID]tickets.State, era uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, id := range ids {
		n := first + i
		s := m.seats[n]
		if s.era >= era {
			continue
		}
		state := byte(free)
		switch states[id] {
		case tickets.Available, "":
		case tickets.Held:
			state = held
		default:
			state = sold
		}
		// A hold that still went on after its end was extended, which nobody has told.
		if state != s.state || state == held && s.until <= m.begun {
			m.set(n, seat{state: state, token: s.token, era: s.era})
		}
	}
}

// Asked reports whether somebody has asked for the whole to be read.
func (m *Map) Asked() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.anew
}

// Unsure reports whether the end of a hold isn't known.
func (m *Map) Unsure() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unsure > 0
}

// Count returns how many seats are held and sold.
func (m *Map) Count() (heldSeats, soldSeats int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count[held], m.count[sold]
}

// Doubt takes in that seats which looked free are not. The next reading tells
// what they are.
func (m *Map) Doubt(seats []tickets.SeatID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range seats {
		if n, ok := m.hall.Number(id); ok && m.seats[n].state == free {
			m.set(n, seat{state: held, token: m.seats[n].token, era: m.era})
		}
	}
}

package seatmap

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"designkits/cases/tickets"
)

// A Delta is what changed from one version to the next, as JSON.
type Delta struct {
	Version string // "EPOCH-7"
	JSON    []byte
}

// ring holds the latest deltas, bounded in number and bytes.
type ring struct {
	deltas []Delta       // consecutive; what stands here is never changed
	last   uint64        // the version of the last one
	moved  chan struct{} // closed when there is a newer version
	bytes  int
}

const (
	maxDeltas    = 256
	maxRingBytes = 1 << 20
)

func (r *ring) push(d Delta) {
	r.deltas = append(r.deltas, d)
	r.bytes += len(d.JSON)
	for len(r.deltas) > maxDeltas || r.bytes > maxRingBytes && len(r.deltas) > 1 {
		r.bytes -= len(r.deltas[0].JSON)
		r.deltas = r.deltas[1:]
	}
}

// wire is a Delta's form. Seats are named by their numbers (Row.First of the
// layout and on); of standing room only how many places are free is told.
type wire struct {
	Version string         `json:"version"`
	Free    []int          `json:"free,omitempty"`
	Held    []int          `json:"held,omitempty"`
	Sold    []int          `json:"sold,omitempty"`
	Room    map[string]int `json:"room,omitempty"`
}

// Flush makes a new version of what has changed since the last. It does nothing
// where nothing has.
func (m *Map) Flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.changed) == 0 {
		return
	}
	d, any := wire{Room: map[string]int{}}, false
	slices.Sort(m.changed)
	for _, n := range slices.Compact(m.changed) {
		state := m.seats[n].state
		if m.shown[n] == state {
			continue
		}
		m.shown[n], any = state, true
		if section := m.hall.Section(m.hall.All()[n]); section.Standing > 0 {
			d.Room[section.ID] = 0 // counted below, when all are shown
			continue
		}
		switch state {
		case free:
			d.Free = append(d.Free, n)
		case held:
			d.Held = append(d.Held, n)
		default:
			d.Sold = append(d.Sold, n)
		}
	}
	m.changed = m.changed[:0]
	if !any {
		return
	}
	for _, s := range m.hall.Sections {
		if _, touched := d.Room[s.ID]; touched {
			d.Room[s.ID] = m.room(s.Rows[0].First, s.Standing)
		}
	}
	m.ring.last++
	d.Version = m.version()
	text, _ := json.Marshal(d) // strings and ints always marshal
	m.ring.push(Delta{d.Version, text})
	m.whole = nil
	before := m.ring.moved
	m.publish()
	close(before)
}

// publish shows the versions to those who follow. They come by the thousand at the
// same moment, so they wait neither for each other nor for who changes the map.
func (m *Map) publish() {
	m.ring.moved = make(chan struct{})
	latest := m.ring
	m.latest.Store(&latest)
}

func (m *Map) version() string { return m.epoch + "-" + strconv.FormatUint(m.ring.last, 10) }

// room counts the places that are shown free.
func (m *Map) room(first, n int) int {
	count := 0
	for _, state := range m.shown[first : first+n] {
		if state == free {
			count++
		}
	}
	return count
}

// Since returns the deltas after a version, and a channel that is closed when
// there are more; false when it can't, and the whole is needed. The deltas are for
// reading.
func (m *Map) Since(version string) (deltas []Delta, more <-chan struct{}, ok bool) {
	now := m.latest.Load()
	epoch, number, _ := strings.Cut(version, "-")
	seen, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch != m.epoch || seen > now.last || now.last-seen > uint64(len(now.deltas)) {
		return nil, nil, false
	}
	return now.deltas[len(now.deltas)-int(now.last-seen):], now.moved, true
}

// A whole is the form of a version: for each section the states of its rows, a
// letter a seat, '.' free, 'h' held, 's' sold.
type whole struct {
	Event   tickets.EventID     `json:"event"`
	Version string              `json:"version"`
	Rows    map[string][]string `json:"rows"`
	Room    map[string]int      `json:"room,omitempty"`
}

// Whole returns the latest version. It is encoded once, however many ask.
func (m *Map) Whole() (version string, text []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.whole == nil {
		w := whole{Event: m.event, Version: m.version(), Rows: map[string][]string{}, Room: map[string]int{}}
		for _, s := range m.hall.Sections {
			if s.Standing > 0 {
				w.Room[s.ID] = m.room(s.Rows[0].First, s.Standing)
				continue
			}
			rows := make([]string, len(s.Rows))
			for i, row := range s.Rows {
				rows[i] = string(m.shown[row.First : row.First+len(row.Seats)])
			}
			w.Rows[s.ID] = rows
		}
		m.whole, _ = json.Marshal(w) // strings and ints always marshal
	}
	return m.version(), m.whole
}

package seatmap_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/seatmap"
	"designkits/cases/tickets/venue"

	"pgregory.net/rapid"
)

// small is a hall of two rows of five and room for four to stand.
func small(t interface {
	Helper()
	Fatal(...any)
}) *venue.Venue {
	t.Helper()
	v, err := venue.Read("small", strings.NewReader(`{"name": "Small", "sections": [
		{"id": "a", "name": "A", "tier": "1", "blocks": [{"rows": 2, "seats": 5}]},
		{"id": "floor", "name": "Floor", "tier": "2", "standing": 4}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A truth is what really happened to the seats of a hall.
type truth struct {
	hall   *venue.Venue
	now    time.Time
	holds  []tickets.Grant // that may still be running
	sold   map[tickets.SeatID]bool
	token  int64
	untold []seatmap.Change
}

func (w *truth) held() map[tickets.SeatID]bool {
	held := map[tickets.SeatID]bool{}
	w.holds = slices.DeleteFunc(w.holds, func(g tickets.Grant) bool { return !g.Until.After(w.now) })
	for _, g := range w.holds {
		for _, s := range g.Seats {
			held[s] = true
		}
	}
	return held
}

func (w *truth) states() map[tickets.SeatID]tickets.State {
	states := map[tickets.SeatID]tickets.State{}
	for s := range w.held() {
		states[s] = tickets.Held
	}
	for s := range w.sold {
		states[s] = tickets.Paid
	}
	return states
}

func (w *truth) tell(g tickets.Grant, state tickets.State) {
	w.untold = append(w.untold, seatmap.Change{Event: "e", Seats: g.Seats, State: state, Token: g.Token, Until: g.Until})
}

// step does something that can be done.
func (w *truth) step(t *rapid.T) {
	held := w.held()
	switch what := rapid.SampledFrom([]string{"hold", "hold", "extend", "release", "confirm", "wait"}).Draw(t, "what"); {
	case what == "hold":
		var seats []tickets.SeatID
		for _, s := range rapid.SliceOfNDistinct(rapid.SampledFrom(w.hall.All()), 1, 3, rapid.ID).Draw(t, "seats") {
			if !held[s] && !w.sold[s] {
				seats = append(seats, s)
			}
		}
		if len(seats) == 0 {
			return
		}
		w.token++
		g := tickets.Grant{Claim: tickets.Claim{Event: "e", Seats: seats}, Token: w.token, Until: w.now.Add(time.Duration(rapid.IntRange(1, 9).Draw(t, "for")) * time.Second)}
		w.holds = append(w.holds, g)
		w.tell(g, tickets.Held)
	case what == "wait":
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 4).Draw(t, "seconds")) * time.Second)
	case len(w.holds) == 0:
	default:
		n := rapid.IntRange(0, len(w.holds)-1).Draw(t, "which")
		g := w.holds[n]
		switch what {
		case "extend":
			g.Until = g.Until.Add(3 * time.Second)
			w.holds[n] = g
			w.tell(g, tickets.Held)
		case "release":
			w.holds = slices.Delete(w.holds, n, n+1)
			w.tell(g, tickets.Available)
		case "confirm":
			w.holds = slices.Delete(w.holds, n, n+1)
			for _, s := range g.Seats {
				w.sold[s] = true
			}
			w.tell(g, tickets.Paid)
		}
	}
}

// deliver tells the map some of what it hasn't been told, in any order, some of
// it twice, and loses some where that is allowed.
func (w *truth) deliver(t *rapid.T, m *seatmap.Map, atMost int, lose bool) {
	for range min(atMost, len(w.untold)) {
		n := rapid.IntRange(0, len(w.untold)-1).Draw(t, "message")
		if !lose || rapid.Bool().Draw(t, "arrives") {
			m.Apply(w.untold[n])
		}
		if !rapid.Bool().Draw(t, "again") {
			w.untold = slices.Delete(w.untold, n, n+1)
		}
	}
}

// shown is what a page shows that follows the map.
type shown struct {
	version string
	seats   map[int]byte
	room    int
}

func (p *shown) whole(t interface{ Fatal(...any) }, m *seatmap.Map) {
	version, text := m.Whole()
	var whole struct {
		Version string
		Rows    map[string][]string
		Room    map[string]int
	}
	if err := json.Unmarshal(text, &whole); err != nil || whole.Version != version {
		t.Fatal(string(text), err)
	}
	p.version, p.seats, p.room = version, map[int]byte{}, whole.Room["floor"]
	for r, row := range whole.Rows["a"] {
		for n, state := range []byte(row) {
			p.seats[5*r+n] = state
		}
	}
}

func (p *shown) follow(t interface{ Fatal(...any) }, m *seatmap.Map) {
	deltas, _, ok := m.Since(p.version)
	if !ok {
		p.whole(t, m)
		return
	}
	for _, d := range deltas {
		var delta struct {
			Version          string
			Free, Held, Sold []int
			Room             map[string]int
		}
		if err := json.Unmarshal(d.JSON, &delta); err != nil || delta.Version != d.Version {
			t.Fatal(string(d.JSON), err)
		}
		for state, numbers := range map[byte][]int{'.': delta.Free, 'h': delta.Held, 's': delta.Sold} {
			for _, n := range numbers {
				p.seats[n] = state
			}
		}
		if free, ok := delta.Room["floor"]; ok {
			p.room = free
		}
		p.version = d.Version
	}
}

// agrees compares a page with what really happened.
func (w *truth) agrees(p *shown) error {
	states, room := w.states(), 0
	for n, id := range w.hall.All() {
		want := map[tickets.State]byte{"": '.', tickets.Held: 'h', tickets.Paid: 's'}[states[id]]
		if n >= 10 {
			if want == '.' {
				room++
			}
			continue
		}
		if p.seats[n] != want {
			return fmt.Errorf("seat %s is shown as %c, want %c", id, p.seats[n], want)
		}
	}
	if room != p.room {
		return fmt.Errorf("%d places to stand are shown, want %d", p.room, room)
	}
	return nil
}

func property(lose bool) func(*rapid.T) {
	return func(t *rapid.T) {
		w := &truth{hall: small(t), now: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC), sold: map[tickets.SeatID]bool{}}
		m := seatmap.New("e", w.hall, func() time.Time { return w.now })
		page := &shown{}
		page.whole(t, m)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.step(t)
			w.deliver(t, m, rapid.IntRange(0, 3).Draw(t, "messages"), lose)
			if rapid.Bool().Draw(t, "flush") {
				m.Expire()
				m.Flush()
			}
			if rapid.Bool().Draw(t, "look") {
				page.follow(t, m)
			}
		}
		if lose {
			era := m.Reading()
			m.Read(w.states(), era)
		} else {
			for _, c := range w.untold {
				m.Apply(c)
			}
		}
		m.Expire()
		m.Flush()
		page.follow(t, m)
		if err := w.agrees(page); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInWhateverOrderChangesComeAPageShowsTheTruth(t *testing.T) { rapid.Check(t, property(false)) }

func TestWhatIsLostAReadingMends(t *testing.T) { rapid.Check(t, property(true)) }

func TestAReadingDoesNotUndoWhatHappenedMeanwhile(t *testing.T) {
	now := time.Now()
	m := seatmap.New("e", small(t), func() time.Time { return now })
	era := m.Reading()
	m.Apply(seatmap.Change{Event: "e", Seats: []tickets.SeatID{"a/A/1"}, State: tickets.Held, Token: 7, Until: now.Add(time.Minute)})
	m.Read(map[tickets.SeatID]tickets.State{"a/A/2": tickets.Paid}, era)
	if held, sold := m.Count(); held != 1 || sold != 1 {
		t.Errorf("%d held and %d sold", held, sold)
	}
}

func TestAHoldThatEndsDuringAReadingWasNotExtended(t *testing.T) {
	now := time.Now()
	m := seatmap.New("e", small(t), func() time.Time { return now })
	m.Apply(seatmap.Change{Event: "e", Seats: []tickets.SeatID{"a/A/1"}, State: tickets.Held, Token: 7, Until: now.Add(time.Second)})
	still := map[tickets.SeatID]tickets.State{"a/A/1": tickets.Held}
	era := m.Reading()
	now = now.Add(2 * time.Second) // the reading took long
	m.Read(still, era)
	if m.Unsure() {
		t.Error("its end isn't believed any more")
	}
	m.Read(still, m.Reading()) // it is still held
	if !m.Unsure() {
		t.Error("that it was extended isn't seen")
	}
}

func TestAHoldWhoseEndIsUnknownAsksForAReading(t *testing.T) {
	m := seatmap.New("e", small(t), time.Now)
	if m.Unsure() || m.Asked() {
		t.Error("an empty map asks for one")
	}
	m.Read(map[tickets.SeatID]tickets.State{"a/A/2": tickets.Held}, m.Reading())
	if !m.Unsure() {
		t.Error("it is sure of a hold without an end")
	}
	m.Apply(seatmap.Change{Event: "e"})
	if !m.Asked() {
		t.Error("a change without seats asks for nothing")
	}
}

func TestWhoIsTooFarBehindBeginsAnew(t *testing.T) {
	now := time.Now()
	m := seatmap.New("e", small(t), func() time.Time { return now })
	first, _ := m.Whole()
	for token := range int64(300) {
		state := []tickets.State{tickets.Held, tickets.Available}[token%2]
		m.Apply(seatmap.Change{Event: "e", Seats: []tickets.SeatID{"a/A/1"}, State: state, Token: token + 1, Until: now.Add(time.Minute)})
		m.Flush()
	}
	if deltas, _, ok := m.Since(first); ok {
		t.Errorf("%d deltas since the first of 300 versions", len(deltas))
	}
	last, _ := m.Whole()
	deltas, more, ok := m.Since(last)
	if !ok || len(deltas) != 0 {
		t.Errorf("%v, %v of the latest version", deltas, ok)
	}
	m.Apply(seatmap.Change{Event: "e", Seats: []tickets.SeatID{"a/A/1"}, State: tickets.Paid, Token: 1000})
	m.Flush()
	select {
	case <-more:
	default:
		t.Error("who waits isn't told of a newer version")
	}
	for _, version := range []string{"", "x", "another-1", last + "0"} {
		if _, _, ok := m.Since(version); ok {
			t.Errorf("there are deltas since %q", version)
		}
	}
}

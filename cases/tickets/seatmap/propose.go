package seatmap

import (
	"fmt"
	"math/rand/v2"

	"designkits/cases/tickets"
	"designkits/cases/tickets/best"
	"designkits/cases/tickets/venue"
)

// A Wish is what somebody wants who names no seats.
type Wish struct {
	Seats    int
	Section  string // or any
	Tier     string // or any
	Together bool   // side by side, or not at all
}

// A NoneLeft says that a wish can't be fulfilled. Nothing was held.
type NoneLeft struct {
	Wish
	Apart bool // so many are free, but not side by side
}

func (e *NoneLeft) Error() string {
	if e.Apart {
		return fmt.Sprintf("there are no %d seats side by side any more", e.Seats)
	}
	return fmt.Sprintf("there are no %d seats of that kind any more", e.Seats)
}

// Propose chooses the best free seats, and keeps other wishes of this process
// away from them until done is called; without that all would choose the same
// and all but one be refused. It returns an *Invalid or a *NoneLeft.
func (m *Map) Propose(w Wish) (seats []tickets.SeatID, done func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	of, err := m.viewsOf(w)
	if err != nil {
		return nil, nil, err
	}
	numbers := m.choose(of, w)
	if numbers == nil {
		none := &NoneLeft{Wish: w}
		if w.Together {
			w.Together = false
			none.Apart = m.choose(of, w) != nil
		}
		return nil, nil, none
	}
	for _, n := range numbers {
		m.trying[n], m.open[n] = true, false
		seats = append(seats, m.hall.All()[n])
	}
	return seats, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, n := range numbers {
			delete(m.trying, n)
			m.open[n] = m.seats[n].state == free
		}
	}, nil
}

// views are where a wish may be fulfilled: rows of seats from the best to the
// worst, each with its part of Map.open, and rooms to stand.
type views struct {
	rows  []venue.Row
	open  []best.Row
	rooms []venue.Section
}

// viewsOf returns the views of a wish's section and tier. They are made once.
func (m *Map) viewsOf(w Wish) (views, error) {
	if w.Seats < 1 {
		return views{}, &tickets.Invalid{Field: "best.seats", Reason: "ask for at least one"}
	}
	key := Wish{Section: w.Section, Tier: w.Tier}
	if v, ok := m.views[key]; ok {
		return v, nil
	}
	var v views
	var sections []venue.Section
	for _, s := range m.hall.Sections {
		if (w.Section == "" || s.ID == w.Section) && (w.Tier == "" || s.Tier == w.Tier) {
			sections = append(sections, s)
			if s.Standing > 0 {
				v.rooms = append(v.rooms, s)
			}
		}
	}
	if len(sections) == 0 {
		return v, &tickets.Invalid{Field: "best", Reason: fmt.Sprintf("the hall has no section %q of tier %q", w.Section, w.Tier)}
	}
	v.rows = inOrder(m.hall.Tiers(), sections)
	for _, row := range v.rows {
		v.open = append(v.open, m.view(row))
	}
	m.views[key] = v
	return v, nil
}

// choose returns the numbers of the seats, nil when there are none. Who names
// no section sits, unless only standing room is left.
func (m *Map) choose(of views, w Wish) []int {
	var blocks []best.Block
	var ok bool
	if w.Together {
		blocks = make([]best.Block, 1)
		blocks[0], ok = best.Together(of.open, w.Seats)
	} else {
		blocks, ok = best.Apart(of.open, w.Seats)
	}
	if ok {
		return numbersOf(of.rows, blocks)
	}
	for _, s := range of.rooms {
		if numbers := m.stand(s, w.Seats); numbers != nil {
			return numbers
		}
	}
	return nil
}

// inOrder returns the rows of seats from the best to the worst: the dearest tier
// first, and of sections side by side all first rows before all second ones.
func inOrder(tiers []string, sections []venue.Section) []venue.Row {
	var rows []venue.Row
	for _, tier := range tiers {
		for depth, more := 0, true; more; depth++ {
			more = false
			for _, s := range sections {
				if s.Tier == tier && s.Standing == 0 && depth < len(s.Rows) {
					rows, more = append(rows, s.Rows[depth]), true
				}
			}
		}
	}
	return rows
}

func numbersOf(rows []venue.Row, blocks []best.Block) []int {
	var numbers []int
	for _, b := range blocks {
		for i := range b.Seats {
			numbers = append(numbers, rows[b.Row].First+b.From+i)
		}
	}
	return numbers
}

// view is a row as package best sees it, at any time.
func (m *Map) view(row venue.Row) best.Row {
	return best.Row(m.open[row.First : row.First+len(row.Seats)])
}

// stand returns n free places of a room, from a random one on, so that the
// replicas seldom choose the same.
func (m *Map) stand(s venue.Section, n int) []int {
	first, from := s.Rows[0].First, rand.IntN(s.Standing)
	var numbers []int
	for i := range s.Standing {
		if seat := first + (from+i)%s.Standing; m.open[seat] {
			if numbers = append(numbers, seat); len(numbers) == n {
				return numbers
			}
		}
	}
	return nil
}

// Named reports whether there is a seat of that name that somebody can ask for.
// Places to stand have no names for people.
func (m *Map) Named(id tickets.SeatID) bool {
	section := m.hall.Section(id)
	return section != nil && section.Standing == 0
}

// Orphans returns seats that would be left free and alone if somebody took
// these, where that could be helped (best.Avoidable).
func (m *Map) Orphans(seats []tickets.SeatID) []tickets.SeatID {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := map[venue.Position][]int{} // by row
	for _, id := range seats {
		if at, ok := m.hall.Find(id); ok {
			row := venue.Position{Section: at.Section, Row: at.Row}
			taken[row] = append(taken[row], at.Seat)
		}
	}
	var orphans []tickets.SeatID
	for at, take := range taken {
		row := m.hall.Sections[at.Section].Rows[at.Row]
		for _, n := range best.Avoidable(m.view(row), take) {
			orphans = append(orphans, row.Seats[n])
		}
	}
	return orphans
}

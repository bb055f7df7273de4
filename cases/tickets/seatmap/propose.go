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
	sections, err := m.sections(w)
	if err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	numbers := m.choose(sections, w)
	if numbers == nil {
		none := &NoneLeft{Wish: w}
		if w.Together {
			w.Together = false
			none.Apart = m.choose(sections, w) != nil
		}
		return nil, nil, none
	}
	for _, n := range numbers {
		m.trying[n] = true
		seats = append(seats, m.hall.All()[n])
	}
	return seats, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, n := range numbers {
			delete(m.trying, n)
		}
	}, nil
}

// sections are those that the wish may be fulfilled in.
func (m *Map) sections(w Wish) ([]venue.Section, error) {
	if w.Seats < 1 {
		return nil, &tickets.Invalid{Field: "best.seats", Reason: "ask for at least one"}
	}
	var sections []venue.Section
	for _, s := range m.hall.Sections {
		if (w.Section == "" || s.ID == w.Section) && (w.Tier == "" || s.Tier == w.Tier) {
			sections = append(sections, s)
		}
	}
	if len(sections) == 0 {
		return nil, &tickets.Invalid{Field: "best", Reason: fmt.Sprintf("the hall has no section %q of tier %q", w.Section, w.Tier)}
	}
	return sections, nil
}

// choose returns the numbers of the seats, nil when there are none. Who names
// no section sits, unless only standing room is left.
func (m *Map) choose(sections []venue.Section, w Wish) []int {
	rows := inOrder(m.hall.Tiers(), sections)
	views := make([]best.Row, len(rows))
	for i, row := range rows {
		views[i] = m.view(row)
	}
	var blocks []best.Block
	var ok bool
	if w.Together {
		blocks = make([]best.Block, 1)
		blocks[0], ok = best.Together(views, w.Seats)
	} else {
		blocks, ok = best.Apart(views, w.Seats)
	}
	if ok {
		return numbersOf(rows, blocks)
	}
	for _, s := range sections {
		if s.Standing == 0 {
			continue
		}
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

// view is a row as package best sees it.
func (m *Map) view(row venue.Row) best.Row {
	view := make(best.Row, len(row.Seats))
	for i := range view {
		view[i] = m.open(row.First + i)
	}
	return view
}

func (m *Map) open(n int) bool { return m.seats[n].state == free && !m.trying[n] }

// stand returns n free places of a room, from a random one on, so that the
// replicas seldom choose the same.
func (m *Map) stand(s venue.Section, n int) []int {
	first, from := s.Rows[0].First, rand.IntN(s.Standing)
	var numbers []int
	for i := range s.Standing {
		if seat := first + (from+i)%s.Standing; m.open(seat) {
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

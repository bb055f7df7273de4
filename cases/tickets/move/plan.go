package move

import (
	"cmp"
	"fmt"
	"slices"

	"designkits/cases/tickets"
	"designkits/cases/tickets/venue"
)

// Plan says what becomes of an event's orders, all of which have ended, in
// another hall. Those that have tickets are seated in the order in which they were
// placed: each seat in the tier that was paid for, and those side by side that
// were. An order that can't be seated so is refunded, whole: of a group that
// came together nobody is left alone.
func Plan(orders []tickets.Order, from, to *venue.Venue) ([]Change, error) {
	free := newFree(to)
	var changes []Change
	for _, o := range slices.SortedFunc(slices.Values(orders), earlier) {
		if o.State != tickets.Done {
			continue // it has no tickets
		}
		parties, err := partiesOf(o, from)
		if err != nil {
			return nil, err
		}
		now, ok := free.seat(parties)
		if !ok {
			back, err := o.Return(nil)
			if err != nil {
				return nil, fmt.Errorf("order %s can't be seated: %w", o.ID, err)
			}
			back.Reason = fmt.Sprintf("the event has moved: %s had no room for you any more", to.Name)
			changes = append(changes, Change{Order: back})
			continue
		}
		c := Change{Order: o}
		c.Order.Lines = slices.Clone(o.Lines)
		c.Order.Grant.Seats = nil
		for _, p := range parties {
			for _, n := range p.lines {
				c.Was, c.Now = append(c.Was, o.Lines[n].Seat), append(c.Now, now[0])
				c.Order.Lines[n].Seat = now[0]
				now = now[1:]
			}
		}
		for _, line := range c.Order.Lines {
			c.Order.Grant.Seats = append(c.Order.Grant.Seats, line.Seat)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func earlier(a, b tickets.Order) int {
	return cmp.Or(a.Placed.Compare(b.Placed), cmp.Compare(a.ID, b.ID))
}

// A party is lines of an order, by their indices, that sit side by side or stand.
type party struct {
	tier     string
	standing bool
	lines    []int
}

// partiesOf are the parties of an order, its largest first, since that is the
// hardest to seat. Lines that were given back are in none.
func partiesOf(o tickets.Order, hall *venue.Venue) ([]party, error) {
	var lines []int
	at := map[int]int{} // by line, its seat's number in the hall
	for n, line := range o.Lines {
		if line.Refunded {
			continue
		}
		number, ok := hall.Number(line.Seat)
		if !ok {
			return nil, fmt.Errorf("order %s has seat %s, which %s doesn't have", o.ID, line.Seat, hall.Name)
		}
		lines, at[n] = append(lines, n), number
	}
	slices.SortFunc(lines, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	var parties []party
	for i, n := range lines {
		section := hall.Section(o.Lines[n].Seat)
		if i > 0 && together(hall, o.Lines[lines[i-1]].Seat, o.Lines[n].Seat) {
			last := &parties[len(parties)-1]
			last.lines = append(last.lines, n)
			continue
		}
		parties = append(parties, party{o.Lines[n].Tier, section.Standing > 0, []int{n}})
	}
	slices.SortStableFunc(parties, func(a, b party) int { return cmp.Compare(len(b.lines), len(a.lines)) })
	return parties, nil
}

// together reports whether b is the next seat after a, or both stand in one room.
func together(hall *venue.Venue, a, b tickets.SeatID) bool {
	x, _ := hall.Find(a)
	y, _ := hall.Find(b)
	if x.Section != y.Section || x.Row != y.Row {
		return false
	}
	return hall.Sections[x.Section].Standing > 0 || y.Seat == x.Seat+1
}

// free is what a hall has left, by tier: of each row and each room the seats that
// nobody has. Both are filled from one end, so that no hole is left that is too
// small for those who come after.
type free struct{ rows, rooms map[string][][]tickets.SeatID }

// newFree is an empty hall. Of sections side by side all first rows come before
// all second ones: the nearest to the stage first.
func newFree(hall *venue.Venue) free {
	f := free{map[string][][]tickets.SeatID{}, map[string][][]tickets.SeatID{}}
	for depth, more := 0, true; more; depth++ {
		more = false
		for _, s := range hall.Sections {
			if depth >= len(s.Rows) {
				continue
			}
			of := f.rows
			if s.Standing > 0 {
				of = f.rooms
			}
			of[s.Tier], more = append(of[s.Tier], s.Rows[depth].Seats), true
		}
	}
	return f
}

// seat takes seats for all parties of an order, one after the other, or none.
func (f free) seat(parties []party) (seats []tickets.SeatID, ok bool) {
	var undo []func()
	for _, p := range parties {
		taken, giveBack := f.take(p)
		if taken == nil {
			for _, giveBack := range slices.Backward(undo) {
				giveBack()
			}
			return nil, false
		}
		seats, undo = append(seats, taken...), append(undo, giveBack)
	}
	return seats, true
}

// take takes seats for a party. Who stood may stand or, where there is no room
// for it, sit; who sat sits.
func (f free) take(p party) (seats []tickets.SeatID, giveBack func()) {
	n := len(p.lines)
	if p.standing {
		if seats, giveBack = first(f.rooms[p.tier], n, func(int) bool { return true }); seats != nil {
			return seats, giveBack
		}
	}
	// A single seat at the end of a row is hard to sell.
	seats, giveBack = first(f.rows[p.tier], n, func(left int) bool { return left != 1 })
	if seats == nil {
		seats, giveBack = first(f.rows[p.tier], n, func(int) bool { return true })
	}
	return seats, giveBack
}

// first takes n seats from the first row that has them and of which then as many
// are left as is fine.
func first(rows [][]tickets.SeatID, n int, fine func(left int) bool) (seats []tickets.SeatID, giveBack func()) {
	for i, row := range rows {
		if len(row) >= n && fine(len(row)-n) {
			rows[i] = row[n:]
			return row[:n:n], func() { rows[i] = row }
		}
	}
	return nil, nil
}

package move_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/tickets"
	"designkits/cases/tickets/move"
	"designkits/cases/tickets/venue"
)

func hall(t interface{ Fatal(...any) }, id, sections string) *venue.Venue {
	v, err := venue.Read(id, strings.NewReader(`{"name":"`+id+`","sections":[`+sections+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// done is an order with tickets for the seats, the n-th that was placed.
func done(v *venue.Venue, n int, seats ...tickets.SeatID) tickets.Order {
	o := tickets.Order{ID: tickets.OrderID(fmt.Sprintf("o%03d", n)), State: tickets.Done, Placed: time.Unix(int64(n), 0)}
	o.Grant.Seats = seats
	for _, seat := range seats {
		o.Lines = append(o.Lines, tickets.Line{Seat: seat, Tier: v.Section(seat).Tier, Price: 1000})
	}
	return o
}

func plan(t *testing.T, from, to *venue.Venue, orders ...tickets.Order) map[tickets.OrderID]move.Change {
	t.Helper()
	changes, err := move.Plan(orders, from, to)
	if err != nil {
		t.Fatal(err)
	}
	by := map[tickets.OrderID]move.Change{}
	for _, c := range changes {
		by[c.Order.ID] = c
	}
	return by
}

func TestWhoCameFirstIsSeatedAndTheLastAreRefunded(t *testing.T) {
	from, to := hall(t, "large", `{"id":"a","name":"A","tier":"1","blocks":[{"rows":4,"seats":4}]}`), hall(t, "small", `{"id":"z","name":"Z","tier":"1","blocks":[{"rows":1,"seats":5}]}`)
	by := plan(t, from, to, done(from, 3, "a/C/1", "a/C/2"), done(from, 1, "a/A/1", "a/A/2"), done(from, 2, "a/B/1", "a/B/2", "a/B/3"))
	if c := by["o001"]; len(c.Now) != 2 || c.Order.State != tickets.Done || !slices.Equal(c.Was, []tickets.SeatID{"a/A/1", "a/A/2"}) {
		t.Errorf("the first: %+v", c)
	}
	if c := by["o002"]; len(c.Now) != 3 || !slices.Equal(c.Order.Grant.Seats, c.Now) {
		t.Errorf("the second: %+v", c)
	}
	if c := by["o003"]; c.Now != nil || c.Order.State != tickets.Refunding || !c.Order.Lines[0].Returning || !c.Order.Lines[1].Returning || c.Order.Reason == "" {
		t.Errorf("the last, for whom there is no room: %+v", c)
	}
}

func TestAGroupStaysTogetherOrGoesHome(t *testing.T) {
	from := hall(t, "large", `{"id":"a","name":"A","tier":"1","blocks":[{"rows":4,"seats":6}]}`)
	to := hall(t, "small", `{"id":"z","name":"Z","tier":"1","blocks":[{"rows":2,"seats":3}]}`)
	by := plan(t, from, to, done(from, 1, "a/A/1", "a/A/2", "a/A/3", "a/A/4"), done(from, 2, "a/B/1", "a/B/2", "a/C/1", "a/C/2"))
	if c := by["o001"]; c.Now != nil {
		t.Errorf("four in a row where a row has three: %v", c.Now)
	}
	if c := by["o002"]; len(c.Now) != 4 { // two rows of two before, and after
		t.Errorf("two and two: %+v", c)
	}
}

func TestWhatWasGivenBackStaysSo(t *testing.T) {
	from, to := hall(t, "large", `{"id":"a","name":"A","tier":"1","blocks":[{"rows":1,"seats":6}]}`), hall(t, "small", `{"id":"z","name":"Z","tier":"1","blocks":[{"rows":1,"seats":2}]}`)
	half := done(from, 1, "a/A/1", "a/A/2", "a/A/3")
	half.Lines[1].Refunded = true
	gone := done(from, 2, "a/A/4")
	gone.State = tickets.Refunded
	by := plan(t, from, to, half, gone)
	if c := by["o001"]; len(c.Now) != 2 || c.Order.Lines[1] != half.Lines[1] || c.Order.Lines[0].Seat == "a/A/1" {
		t.Errorf("%+v", c)
	}
	if _, changed := by["o002"]; changed {
		t.Error("an order without tickets is seated")
	}
}

func TestWhoStoodMayHaveToSitAndNobodyHasToStand(t *testing.T) {
	from := hall(t, "large", `{"id":"a","name":"A","tier":"1","blocks":[{"rows":1,"seats":6}]},{"id":"p","name":"P","tier":"1","standing":9}`)
	to := hall(t, "small", `{"id":"z","name":"Z","tier":"1","blocks":[{"rows":1,"seats":4}]},{"id":"q","name":"Q","tier":"1","standing":2}`)
	by := plan(t, from, to, done(from, 1, "p/GA/3", "p/GA/7"), done(from, 2, "p/GA/1"), done(from, 3, "a/A/1", "a/A/2", "a/A/3"), done(from, 4, "a/A/5"))
	for order, want := range map[tickets.OrderID]string{"o001": "q/GA/1 q/GA/2", "o002": "z/", "o003": "z/", "o004": ""} {
		var got []string
		for _, seat := range by[order].Now {
			got = append(got, string(seat))
		}
		if text := strings.Join(got, " "); !strings.HasPrefix(text, want) || (want == "") != (text == "") {
			t.Errorf("%s: %q, want %q", order, text, want)
		}
	}
}

func TestASeatThatTheHallDoesntHaveIsAnError(t *testing.T) {
	v := hall(t, "one", `{"id":"a","name":"A","tier":"1","blocks":[{"rows":1,"seats":6}]}`)
	o := done(v, 1, "a/A/1")
	o.Lines[0].Seat = "nowhere/A/1"
	if _, err := move.Plan([]tickets.Order{o}, v, v); err == nil || !strings.Contains(err.Error(), "nowhere/A/1") {
		t.Error(err)
	}
}

// Whatever was sold and wherever it goes: nobody has another tier, no seat is two
// people's, neighbours stay neighbours, nothing is lost, and who is refunded could
// not have been seated in the seats that are left.
func TestAnyPlanKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := hall(t, "from", `{"id":"a","name":"A","tier":"1","blocks":[{"rows":5,"seats":9}]},{"id":"b","name":"B","tier":"2","blocks":[{"rows":4,"seats":7}]},{"id":"p","name":"P","tier":"2","standing":12}`)
		rows, seats, stand := rapid.IntRange(1, 5).Draw(t, "rows"), rapid.IntRange(1, 9).Draw(t, "seats"), rapid.IntRange(1, 12).Draw(t, "stand")
		to := hall(t, "to", fmt.Sprintf(`{"id":"y","name":"Y","tier":"1","blocks":[{"rows":%d,"seats":%d}]},{"id":"z","name":"Z","tier":"2","blocks":[{"rows":%d,"seats":%d}]},{"id":"q","name":"Q","tier":"2","standing":%d}`, rows, seats, rows, seats, stand))
		var orders []tickets.Order
		taken := map[tickets.SeatID]bool{}
		for n := range rapid.IntRange(0, 30).Draw(t, "orders") {
			row := rapid.SampledFrom(rowsOf(from)).Draw(t, "row")
			first := rapid.IntRange(0, len(row)-1).Draw(t, "first")
			var mine []tickets.SeatID
			for _, seat := range row[first:min(len(row), first+rapid.IntRange(1, 4).Draw(t, "n"))] {
				if !taken[seat] {
					mine = append(mine, seat)
				}
			}
			if len(mine) == 0 {
				continue
			}
			for _, seat := range mine {
				taken[seat] = true
			}
			orders = append(orders, done(from, n, mine...))
		}
		changes, err := move.Plan(rapid.Permutation(orders).Draw(t, "shuffled"), from, to)
		if err != nil || len(changes) != len(orders) {
			t.Fatalf("%d orders, %d changes, %v", len(orders), len(changes), err)
		}
		owner := map[tickets.SeatID]tickets.OrderID{}
		for _, c := range changes {
			if c.Now == nil {
				continue
			}
			if len(c.Now) != len(c.Order.Lines) || len(c.Was) != len(c.Now) {
				t.Fatalf("%d seats for %d lines", len(c.Now), len(c.Order.Lines))
			}
			for i, seat := range c.Now {
				if other, twice := owner[seat]; twice {
					t.Fatalf("%s is for %s and %s", seat, other, c.Order.ID)
				}
				owner[seat] = c.Order.ID
				if to.Section(seat) == nil || to.Section(seat).Tier != from.Section(c.Was[i]).Tier {
					t.Fatalf("%s became %s", c.Was[i], seat)
				}
				if from.Section(c.Was[i]).Standing == 0 && to.Section(seat).Standing > 0 {
					t.Fatalf("%s has to stand at %s", c.Was[i], seat)
				}
			}
			for i := range c.Was[1:] {
				if next(from, c.Was[i], c.Was[i+1]) && !next(to, c.Now[i], c.Now[i+1]) {
					t.Fatalf("%v sit at %v", c.Was, c.Now)
				}
			}
		}
		for _, c := range changes {
			if c.Now == nil && len(c.Order.Lines) == 1 && from.Section(c.Order.Lines[0].Seat).Standing == 0 {
				for _, seat := range to.All() {
					if _, has := owner[seat]; !has && to.Section(seat).Standing == 0 && to.Section(seat).Tier == c.Order.Lines[0].Tier {
						t.Fatalf("%s is refunded while %s is free", c.Order.ID, seat)
					}
				}
			}
		}
	})
}

func rowsOf(v *venue.Venue) (rows [][]tickets.SeatID) {
	for _, s := range v.Sections {
		for _, row := range s.Rows {
			rows = append(rows, row.Seats)
		}
	}
	return rows
}

// next reports whether b is beside a, both to sit.
func next(v *venue.Venue, a, b tickets.SeatID) bool {
	x, _ := v.Find(a)
	y, _ := v.Find(b)
	return v.Sections[x.Section].Standing == 0 && x.Section == y.Section && x.Row == y.Row && y.Seat == x.Seat+1
}

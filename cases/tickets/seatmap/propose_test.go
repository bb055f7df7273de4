package seatmap_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/seatmap"
)

func TestWishesAtOnceGetDifferentSeats(t *testing.T) {
	m := seatmap.New("e", small(t), time.Now)
	seen := map[tickets.SeatID]bool{}
	var done []func()
	for range 4 {
		seats, end, err := m.Propose(seatmap.Wish{Seats: 2, Section: "a", Together: true})
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, end)
		for _, s := range seats {
			if seen[s] {
				t.Errorf("%s is proposed twice", s)
			}
			seen[s] = true
		}
	}
	var none *seatmap.NoneLeft
	if _, _, err := m.Propose(seatmap.Wish{Seats: 2, Section: "a", Together: true}); !errors.As(err, &none) || !none.Apart {
		t.Errorf("two are left, apart: %v", err)
	}
	seats, end, err := m.Propose(seatmap.Wish{Seats: 2, Section: "a"})
	if err != nil || len(seats) != 2 {
		t.Fatalf("%v, %v", seats, err)
	}
	if _, _, err := m.Propose(seatmap.Wish{Seats: 1, Section: "a"}); !errors.As(err, &none) || none.Apart {
		t.Errorf("none is left: %v", err)
	}
	end()
	done[0]()
	if seats, _, err := m.Propose(seatmap.Wish{Seats: 2, Section: "a", Together: true}); err != nil || len(seats) != 2 {
		t.Errorf("given up, and not proposed again: %v, %v", seats, err)
	}
}

func TestWishesChoose(t *testing.T) {
	m := seatmap.New("e", small(t), time.Now)
	for name, c := range map[string]struct {
		wish seatmap.Wish
		want []tickets.SeatID
	}{
		"the middle of the first row": {seatmap.Wish{Seats: 1, Together: true}, []tickets.SeatID{"a/A/3"}},
		"all of a row":                {seatmap.Wish{Seats: 5, Tier: "1", Together: true}, []tickets.SeatID{"a/A/1", "a/A/2", "a/A/3", "a/A/4", "a/A/5"}},
		"all of a room":               {seatmap.Wish{Seats: 4, Section: "floor", Together: true}, []tickets.SeatID{"floor/GA/1", "floor/GA/2", "floor/GA/3", "floor/GA/4"}},
	} {
		seats, done, err := m.Propose(c.wish)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		done()
		if slices.Sort(seats); !slices.Equal(seats, c.want) {
			t.Errorf("%s: %v", name, seats)
		}
	}
	var invalid *tickets.Invalid
	for name, wish := range map[string]seatmap.Wish{
		"no seats": {Seats: 0}, "fewer than none": {Seats: -1}, "no such section": {Seats: 1, Section: "z"}, "a section of another tier": {Seats: 1, Section: "a", Tier: "2"},
	} {
		if seats, _, err := m.Propose(wish); !errors.As(err, &invalid) {
			t.Errorf("%s: %v, %v", name, seats, err)
		}
	}
}

func TestOrphans(t *testing.T) {
	m := seatmap.New("e", small(t), time.Now)
	for name, c := range map[string]struct {
		seats, want []tickets.SeatID
	}{
		"one at the edge":             {[]tickets.SeatID{"a/A/2", "a/A/3"}, []tickets.SeatID{"a/A/1"}},
		"one between":                 {[]tickets.SeatID{"a/A/1", "a/A/3"}, []tickets.SeatID{"a/A/2"}},
		"none":                        {[]tickets.SeatID{"a/A/1", "a/A/2"}, nil},
		"none in either row":          {[]tickets.SeatID{"a/A/1", "a/B/1"}, nil},
		"one that can't be helped":    {[]tickets.SeatID{"a/A/1", "a/A/2", "a/A/3", "a/A/4"}, nil},
		"one that leaves two and two": {[]tickets.SeatID{"a/B/3"}, nil},
		"of a row, and another's no":  {[]tickets.SeatID{"a/A/4", "a/B/1", "a/B/2"}, []tickets.SeatID{"a/A/5"}},
	} {
		if got := m.Orphans(c.seats); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if m.Named("floor/GA/1") || m.Named("a/C/1") || !m.Named("a/B/5") {
		t.Error("only seats that exist have names")
	}
}

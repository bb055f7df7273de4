package venue_test

import (
	"slices"
	"strings"
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/venue"
)

func TestShippedHallsHaveTheirSeats(t *testing.T) {
	venues, err := venue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int{"theatre": 500, "hall": 5_000, "stadium": 60_000} {
		v := venues[id]
		if v == nil || v.Seats() != want {
			t.Fatalf("%s: %+v", id, v)
		}
		seen := map[tickets.SeatID]bool{}
		for s, section := range v.Sections {
			for r, row := range section.Rows {
				for n, seat := range row.Seats {
					at := venue.Position{Section: s, Row: r, Seat: n}
					if found, ok := v.Find(seat); !ok || found != at || v.At(at) != seat || seen[seat] {
						t.Fatalf("%s: seat %s at %+v is found at %+v", id, seat, at, found)
					}
					seen[seat] = true
				}
			}
		}
		for n, seat := range v.All() {
			if got, ok := v.Number(seat); !ok || got != n || !seen[seat] {
				t.Fatalf("%s: seat %s, the %dth, has number %d", id, seat, n, got)
			}
		}
		if standing := len(seen) - want; standing != map[string]int{"stadium": 10_000}[id] || len(v.All()) != len(seen) {
			t.Errorf("%s: %d places to stand of %d", id, standing, len(v.All()))
		}
	}
	if s := venues["stadium"].Section("pitch/GA/10000"); s == nil || s.Standing != 10_000 {
		t.Errorf("the last place to stand is in %+v", s)
	}
	if tiers := venues["hall"].Tiers(); !slices.Equal(tiers, []string{"1", "2", "3"}) {
		t.Errorf("tiers %v", tiers)
	}
	if _, ok := venues["hall"].Find("balcony/Z/1"); ok {
		t.Error("a row that isn't there was found")
	}
}

func TestHallsThatAreRefused(t *testing.T) {
	for want, text := range map[string]string{
		"no name":        `{"sections": [{"id": "a", "standing": 1}]}`,
		"no sections":    `{"name": "x"}`,
		"two of that id": `{"name": "x", "sections": [{"id": "a", "standing": 1}, {"id": "a", "standing": 1}]}`,
		"either blocks":  `{"name": "x", "sections": [{"id": "a"}]}`,
		"slashes":        `{"name": "x", "sections": [{"id": "a/b", "standing": 1}]}`,
		"a row of 0":     `{"name": "x", "sections": [{"id": "a", "blocks": [{"rows": 1}]}]}`,
		"more than":      `{"name": "x", "sections": [{"id": "a", "blocks": [{"rows": 2000, "seats": 200}]}]}`,
		"unknown field":  `{"name": "x", "rows": 1}`,
		"unexpected EOF": `{"name": "x"`,
		"a row of -1":    `{"name": "x", "sections": [{"id": "a", "blocks": [{"rows": 3, "seats": 5, "wider": -6}]}]}`,
	} {
		if _, err := venue.Read("x", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestRowsAreNamedAsHallsDo(t *testing.T) {
	v, err := venue.Read("x", strings.NewReader(`{"name": "x", "sections": [{"id": "a", "blocks": [{"rows": 53, "seats": 1}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 27: "AB", 52: "BA"} {
		if got := v.Sections[0].Rows[row].Name; got != want {
			t.Errorf("row %d is %s, want %s", row, got, want)
		}
	}
}

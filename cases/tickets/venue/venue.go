// Package venue knows halls: sections, rows and seats as data. A hall is a JSON
// file in which a line describes a block of rows, so that a stadium of 60,000
// seats is a page long.
package venue

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"designkits/cases/tickets"
)

// A Venue is a hall. It doesn't change once it is loaded.
type Venue struct {
	ID       string
	Name     string
	Sections []Section

	index    map[tickets.SeatID]Position
	all      []tickets.SeatID
	standing int
}

// A Section is a part of a hall at one price: either rows of seats or a room for
// Standing people. Such a room is one row of seats that have no names for
// people ("pitch/GA/1"), so that whatever holds for a seat holds for a place to
// stand.
type Section struct {
	ID       string
	Name     string
	Tier     string // the price tier, "1" the dearest
	Rows     []Row
	Standing int
}

// A Row is seats side by side, numbered from the left. The first row is the
// nearest to the stage.
type Row struct {
	Name  string
	Seats []tickets.SeatID
	First int // the number of its first seat, see Number
}

// A Position is where a seat is: indices into Sections, Rows and Seats.
type Position struct{ Section, Row, Seat int }

// Find returns where a seat is, and false when the hall has none of that name.
func (v *Venue) Find(id tickets.SeatID) (Position, bool) {
	p, ok := v.index[id]
	return p, ok
}

// Seats is how many seats there are, standing room aside.
func (v *Venue) Seats() int { return len(v.all) - v.standing }

// All returns every seat and every place to stand, row by row.
func (v *Venue) All() []tickets.SeatID { return v.all }

// Number returns a seat's index in All, and false when the hall has none of
// that name.
func (v *Venue) Number(id tickets.SeatID) (int, bool) {
	p, ok := v.index[id]
	if !ok {
		return 0, false
	}
	return v.Sections[p.Section].Rows[p.Row].First + p.Seat, true
}

// Section returns the section of a seat, and nil when the hall has no such seat.
func (v *Venue) Section(id tickets.SeatID) *Section {
	p, ok := v.index[id]
	if !ok {
		return nil
	}
	return &v.Sections[p.Section]
}

// Tiers returns the price tiers, in the order of the sections.
func (v *Venue) Tiers() []string {
	var tiers []string
	for _, s := range v.Sections {
		if !slices.Contains(tiers, s.Tier) {
			tiers = append(tiers, s.Tier)
		}
	}
	return tiers
}

// At returns the seat at a position.
func (v *Venue) At(p Position) tickets.SeatID {
	return v.Sections[p.Section].Rows[p.Row].Seats[p.Seat]
}

// The file format.
type file struct {
	Name     string        `json:"name"`
	Sections []sectionFile `json:"sections"`
}

type sectionFile struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Tier     string     `json:"tier"`
	Blocks   []rowBlock `json:"blocks"`
	Standing int        `json:"standing"`
	// Copies makes that many sections of the kind, numbered from 1: "block-1" …
	Copies int `json:"copies"`
}

// A rowBlock is rows of one length. Further rows grow by Wider seats each.
type rowBlock struct {
	Rows  int `json:"rows"`
	Seats int `json:"seats"`
	Wider int `json:"wider"`
}

// What a file may ask for at most.
const (
	maxSeats    = 200_000
	maxRowSeats = 200
)

// Read reads a hall from its file.
func Read(id string, r io.Reader) (*Venue, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var f file
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("venue %s: %w", id, err)
	}
	v := &Venue{ID: id, Name: f.Name, index: map[tickets.SeatID]Position{}}
	for _, s := range f.Sections {
		for copied := range max(1, s.Copies) {
			one := s
			if s.Copies > 0 {
				one.ID, one.Name = fmt.Sprintf("%s-%d", s.ID, copied+1), fmt.Sprintf("%s %d", s.Name, copied+1)
			}
			if err := v.add(one); err != nil {
				return nil, fmt.Errorf("venue %s, section %q: %w", id, one.ID, err)
			}
		}
	}
	if v.Name == "" || len(v.Sections) == 0 {
		return nil, fmt.Errorf("venue %s: it has no name or no sections", id)
	}
	return v, nil
}

func (v *Venue) add(f sectionFile) error {
	if f.ID == "" || strings.ContainsAny(f.ID, "/ ") {
		return errors.New("an id must not be empty or have slashes or spaces")
	}
	for _, s := range v.Sections {
		if s.ID == f.ID {
			return errors.New("there are two of that id")
		}
	}
	if (f.Standing > 0) == (len(f.Blocks) > 0) || f.Standing < 0 {
		return errors.New("it needs either blocks of rows or a number of people standing")
	}
	s := Section{ID: f.ID, Name: f.Name, Tier: f.Tier, Standing: f.Standing}
	if f.Standing > 0 {
		v.standing += f.Standing
		if err := v.addRow(&s, standingRow, f.Standing); err != nil {
			return err
		}
	}
	for _, b := range f.Blocks {
		for i := range b.Rows {
			seats := b.Seats + i*b.Wider
			if seats < 1 || seats > maxRowSeats {
				return fmt.Errorf("a row of %d seats", seats)
			}
			if err := v.addRow(&s, rowName(len(s.Rows)), seats); err != nil {
				return err
			}
		}
	}
	v.Sections = append(v.Sections, s)
	return nil
}

// standingRow is the name of the one row of a room for standing people.
const standingRow = "GA"

// addRow adds a row to the section that is being built.
func (v *Venue) addRow(s *Section, name string, seats int) error {
	if len(v.all)+seats > maxSeats {
		return fmt.Errorf("more than %d seats", maxSeats)
	}
	row := Row{Name: name, First: len(v.all)}
	before := s.ID + "/" + name + "/"
	for n := range seats {
		id := tickets.SeatID(before + strconv.Itoa(n+1))
		v.index[id] = Position{Section: len(v.Sections), Row: len(s.Rows), Seat: n}
		row.Seats = append(row.Seats, id)
	}
	v.all = append(v.all, row.Seats...)
	s.Rows = append(s.Rows, row)
	return nil
}

// rowName is A … Z, AA, AB, … as halls count their rows.
func rowName(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

//go:embed data/*.json
var data embed.FS

// Shipped returns the halls that come with the case, by id: theatre, hall and
// stadium.
func Shipped() (map[string]*Venue, error) {
	names, err := data.ReadDir("data")
	if err != nil {
		return nil, fmt.Errorf("the shipped venues: %w", err)
	}
	venues := map[string]*Venue{}
	for _, entry := range names {
		text, err := data.ReadFile(path.Join("data", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("the shipped venues: %w", err)
		}
		id := strings.TrimSuffix(entry.Name(), ".json")
		if venues[id], err = Read(id, bytes.NewReader(text)); err != nil {
			return nil, err
		}
	}
	return venues, nil
}

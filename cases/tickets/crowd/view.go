package crowd

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/client"
	"designkits/shared/pause"
)

// A view is the seat map as everybody's page shows it, a moment old.
type view struct {
	api    *client.Client
	event  tickets.EventID
	layout client.Layout

	mu    sync.Mutex
	seats client.Seats
	free  bool // something is
	left  bool // something is free, or held and could be
}

// lookEvery is how often the seats are read; pages are told every tenth of a
// second, and people aren't faster than this.
const lookEvery = 300 * time.Millisecond

func newView(ctx context.Context, api *client.Client, event tickets.EventID) (*view, error) {
	v := &view{api: api, event: event}
	var err error
	if v.layout, err = api.Layout(ctx, event); err != nil {
		return nil, err
	}
	seats, _, err := api.Seats(ctx, event, "")
	v.show(seats)
	return v, err
}

// follow reads the seats until the context ends. While nobody answers the view
// stays as it is.
func (v *view) follow(ctx context.Context) {
	for pause.For(ctx, lookEvery) {
		v.mu.Lock()
		known := v.seats.Version
		v.mu.Unlock()
		if s, newer, err := v.api.Seats(ctx, v.event, known); err == nil && newer {
			v.show(s)
		}
	}
}

// show takes in what was read.
func (v *view) show(s client.Seats) {
	free, held := false, false
	for _, rows := range s.Rows {
		for _, row := range rows {
			free = free || strings.Contains(row, ".")
			held = held || strings.Contains(row, "h")
		}
	}
	for _, n := range s.Room {
		free = free || n > 0
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seats, v.free, v.left = s, free, free || held
}

// soldOut reports whether nothing is free, and nothing is held that could be.
func (v *view) soldOut() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.left
}

// moves waits until something is free, or all is sold: who found nothing looks at
// the map until it shows that.
func (v *view) moves(ctx context.Context) {
	for pause.For(ctx, lookEvery) {
		v.mu.Lock()
		moved := v.free || !v.left
		v.mu.Unlock()
		if moved {
			return
		}
	}
}

// pick returns seats side by side that the map shows free, as a person would
// click on: somewhere, and beside others rather than with a gap. Nil when there
// are none in the places it looked at.
func (v *view) pick(random *rand.Rand, n int) []tickets.SeatID {
	v.mu.Lock()
	defer v.mu.Unlock()
	for range 12 {
		section := v.layout.Sections[random.IntN(len(v.layout.Sections))]
		if section.Standing > 0 || len(section.Rows) == 0 {
			continue
		}
		r := random.IntN(len(section.Rows))
		if rows := v.seats.Rows[section.ID]; r < len(rows) {
			if first := strings.Index(rows[r], strings.Repeat(".", n)); first >= 0 {
				var seats []tickets.SeatID
				for place := range n {
					seats = append(seats, client.Seat(section.ID, section.Rows[r].Name, first+place+1))
				}
				return seats
			}
		}
	}
	return nil
}

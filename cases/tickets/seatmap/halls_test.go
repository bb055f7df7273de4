package seatmap_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/seatmap"
	"designkits/cases/tickets/venue"
	"designkits/shared/testenv"
)

// program, empty and silent are the outside of one event in which nothing happens.
type (
	program struct{ tickets.Events }
	empty   struct{ tickets.Claims }
	silent  struct {
		seatmap.Changes
		missed <-chan struct{}
	}
)

func (program) List(context.Context) ([]tickets.Event, error) {
	return []tickets.Event{{ID: "show", Venue: "theatre"}}, nil
}

func (empty) Seats(context.Context, tickets.EventID) (map[tickets.SeatID]tickets.State, error) {
	return nil, nil
}

// Follow says once that it has missed messages.
func (s silent) Follow(ctx context.Context, _ func([]seatmap.Change), lost func()) error {
	select {
	case <-s.missed:
		lost()
	case <-ctx.Done():
	}
	<-ctx.Done()
	return ctx.Err()
}

// A Redis that has just come back can be heard while it refuses to be written
// to. What was lost must be told it all the same, or it sells what is sold.
func TestWhatWasLostIsRestoredThoughTheFirstTriesFail(t *testing.T) {
	venues, err := venue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	calls, missed := make(chan error, 100), make(chan struct{})
	tries := 0 // one goroutine an event calls Lost
	halls := seatmap.NewHalls(seatmap.HallsConfig{
		Events: program{}, Venues: venues, Claims: empty{}, Changes: silent{missed: missed}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Lost: func(context.Context, tickets.EventID) (err error) {
			if tries++; tries < 3 {
				err = errors.New("LOADING the dataset in memory")
			}
			calls <- err
			return err
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- halls.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	testenv.Eventually(t, 20*time.Second, "the event is known", func() bool { return halls.Known(ctx) == nil })
	close(missed)
	testenv.Eventually(t, 20*time.Second, "the third try is made, which succeeds", func() bool { return len(calls) == 3 })
	<-time.After(2 * time.Second) // it must not be called again: it is heavy
	if len(calls) != 3 {
		t.Errorf("called %d times, though the third has succeeded", len(calls))
	}
}

// moving is one event that is in the hall first, and in the theatre from then on.
type moving struct {
	tickets.Events
	gone <-chan struct{}
}

func (m moving) List(context.Context) ([]tickets.Event, error) {
	select {
	case <-m.gone:
		return []tickets.Event{{ID: "show", Venue: "theatre"}}, nil
	default:
		return []tickets.Event{{ID: "show", Venue: "hall"}}, nil
	}
}

// Of seats that were sold by a move the store of the holds has heard nothing.
func TestWhatAMoveHasSoldIsToldToTheHolds(t *testing.T) {
	venues, err := venue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	gone, told := make(chan struct{}), make(chan tickets.EventID, 100)
	halls := seatmap.NewHalls(seatmap.HallsConfig{
		Events: moving{gone: gone}, Venues: venues, Claims: empty{}, Changes: silent{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Lost: func(_ context.Context, event tickets.EventID) error { told <- event; return nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- halls.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	testenv.Eventually(t, 20*time.Second, "the event is known", func() bool { return halls.Known(ctx) == nil })
	before, err := halls.Hall("show")
	if err != nil || before.Venue.ID != "hall" || len(told) > 0 {
		t.Fatalf("%+v, %v; told %d times", before, err, len(told))
	}
	close(gone)
	testenv.Eventually(t, 20*time.Second, "the event is in the theatre, and the holds are told", func() bool {
		now, err := halls.Hall("show")
		return err == nil && now.Venue.ID == "theatre" && len(told) == 1
	})
	select {
	case <-before.Gone():
	default:
		t.Error("those who watch the old hall aren't told that it is over")
	}
}

package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"designkits/cases/tickets"
)

// ErrNotYet is the error of a Calendar that has never heard of its events.
var ErrNotYet = errors.New("the events aren't known yet: the database hasn't answered since the start")

// A Calendar knows which events are sold without asking for each of them: when
// half a million people come, the database hears nothing of it. What has changed
// it knows within seconds; while the database is away it goes on with what it
// knew. Its methods may be called by many goroutines.
type Calendar struct {
	List func(ctx context.Context) ([]tickets.Event, error) // tickets.Events's
	// Sold counts what is sold of the events, and Seats is how many seats and places
	// each venue has.
	Sold  func(ctx context.Context, events []tickets.EventID) (map[tickets.EventID]int, error)
	Seats map[string]int
	Now   func() time.Time
	Log   *slog.Logger

	sold   atomic.Pointer[map[tickets.EventID]int]
	events atomic.Pointer[[]tickets.Event]
}

// Times of a Calendar.
const (
	calendarEvery = 2 * time.Second
	calendarIn    = 2 * time.Second // bounds a look
)

// Run looks at once and then every two seconds until the context ends.
func (c *Calendar) Run(ctx context.Context) error {
	every := time.NewTicker(calendarEvery)
	defer every.Stop()
	failed := false
	for {
		err := c.look(ctx)
		if (err != nil) != failed && ctx.Err() == nil {
			if failed = err != nil; failed {
				c.Log.Warn("going on with the events that are known", "error", err.Error())
			} else {
				c.Log.Info("the events are looked up again")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

func (c *Calendar) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, calendarIn)
	defer cancel()
	events, err := c.List(ctx)
	if err != nil {
		return fmt.Errorf("list the events: %w", err)
	}
	var coming []tickets.EventID // years of evenings may lie behind
	for _, e := range events {
		if c.Now().Before(e.Starts) {
			coming = append(coming, e.ID)
		}
	}
	sold, err := c.Sold(ctx, coming)
	if err != nil {
		return fmt.Errorf("count what is sold: %w", err)
	}
	c.sold.Store(&sold) // first: of no event that is known this isn't
	c.events.Store(&events)
	return nil
}

// Events returns the events, none before the first look.
func (c *Calendar) Events() []tickets.Event {
	if events := c.events.Load(); events != nil {
		return *events
	}
	return nil
}

// Event returns one event, else tickets.ErrUnknown or ErrNotYet.
func (c *Calendar) Event(id tickets.EventID) (tickets.Event, error) {
	events := c.events.Load()
	if events == nil {
		return tickets.Event{}, ErrNotYet
	}
	i := slices.IndexFunc(*events, func(e tickets.Event) bool { return e.ID == id })
	if i < 0 {
		return tickets.Event{}, tickets.ErrUnknown
	}
	return (*events)[i], nil
}

// SoldOut reports whether no seat of the event was left at the last look: all are
// paid. What is only held may come back.
func (c *Calendar) SoldOut(id tickets.EventID) bool {
	e, err := c.Event(id)
	sold := c.sold.Load()
	if err != nil || sold == nil {
		return false
	}
	seats := c.Seats[e.Venue]
	return seats > 0 && (*sold)[id] >= seats
}

// Ready returns ErrNotYet before the first look.
func (c *Calendar) Ready(context.Context) error {
	if c.events.Load() == nil {
		return ErrNotYet
	}
	return nil
}

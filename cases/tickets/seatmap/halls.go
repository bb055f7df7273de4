package seatmap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/venue"
)

// A Hall is an event as a replica knows it.
type Hall struct {
	tickets.Event
	Venue *venue.Venue
	Seats *Map

	close context.CancelFunc
	gone  chan struct{}
	lost  *atomic.Bool // Lost has to be called before the next reading
}

// Gone is closed when the event has moved to another venue: this Hall is over.
func (h *Hall) Gone() <-chan struct{} { return h.gone }

// Halls are all events, each with its map. Run keeps them as they are
// elsewhere.
type Halls struct {
	cfg   HallsConfig
	known chan struct{} // closed when the events were read once
	again chan chan error

	mu    sync.RWMutex
	halls map[tickets.EventID]*Hall
	work  sync.WaitGroup // of the halls
}

// HallsConfig is what Halls are made of. All of it is needed, unless a comment
// says otherwise.
type HallsConfig struct {
	Events  tickets.Events
	Venues  map[string]*venue.Venue
	Claims  tickets.Claims // its Seats is asked
	Changes Changes
	Log     *slog.Logger
	// Lost, unless it is nil, is called for each event before it is read anew
	// because messages may have been missed, as they are when the store of the
	// holds comes back without its data. After an error it is called again: a
	// store that has just come back may be heard before it can be written to.
	Lost func(ctx context.Context, event tickets.EventID) error
}

// How often what is done.
const (
	eventsEvery = time.Second            // the events are read
	flushEvery  = 100 * time.Millisecond // holds expire, and a version is made
	lookEvery   = 250 * time.Millisecond // the map is asked whether it is stale
	staleAfter  = time.Second            // a stale map is read anew
	readEvery   = 5 * time.Second        // any map
	readWithin  = 5 * time.Second        // one reading
	// restFor is how much longer than a reading took its store is left alone. A large
	// hall's reading is itself mostly pauses.
	restFor = 3
)

// NewHalls returns halls that know no event yet.
func NewHalls(cfg HallsConfig) *Halls {
	return &Halls{cfg: cfg, known: make(chan struct{}), again: make(chan chan error), halls: map[tickets.EventID]*Hall{}}
}

// Hall returns an event, or ErrUnknown.
func (h *Halls) Hall(id tickets.EventID) (*Hall, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	hall, ok := h.halls[id]
	if !ok {
		return nil, fmt.Errorf("event %q: %w", id, tickets.ErrUnknown)
	}
	return hall, nil
}

// Known returns nil once the events were read.
func (h *Halls) Known(context.Context) error {
	select {
	case <-h.known:
		return nil
	default:
		return errors.New("the events have not been read yet")
	}
}

// Apply takes in what was changed here or elsewhere.
func (h *Halls) Apply(changes ...Change) {
	for _, c := range changes {
		if hall, err := h.Hall(c.Event); err == nil {
			hall.Seats.Apply(c)
		}
	}
}

// Run follows events and seats until the context ends.
func (h *Halls) Run(ctx context.Context) error {
	defer h.work.Wait()
	h.work.Go(func() {
		_ = h.cfg.Changes.Follow(ctx, func(c []Change) { h.Apply(c...) }, h.lost) // ends with the context
	})
	every := time.NewTicker(eventsEvery)
	defer every.Stop()
	if err := h.refresh(ctx); err != nil {
		h.cfg.Log.Warn("the events can't be read", "error", err.Error())
	}
	for {
		select {
		case done := <-h.again:
			done <- h.refresh(ctx)
		case <-every.C:
			if err := h.refresh(ctx); err != nil && ctx.Err() == nil {
				h.cfg.Log.Warn("the events can't be read", "error", err.Error())
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lost makes every map be read anew.
func (h *Halls) lost() {
	for _, hall := range h.All() {
		hall.lost.Store(true)
		hall.Seats.Apply(Change{Event: hall.ID})
	}
}

// All returns the events, the next one first.
func (h *Halls) All() []*Hall {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.SortedFunc(maps.Values(h.halls), func(a, b *Hall) int {
		return cmp.Or(a.Starts.Compare(b.Starts), strings.Compare(string(a.ID), string(b.ID)))
	})
}

// Refresh reads the events now, while Run runs.
func (h *Halls) Refresh(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case h.again <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Halls) refresh(ctx context.Context) error {
	events, err := h.cfg.Events.List(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		place, ok := h.cfg.Venues[e.Venue]
		if !ok {
			h.cfg.Log.Warn("an event's venue is unknown", "event", e.ID, "venue", e.Venue)
			continue
		}
		was, ok := h.halls[e.ID]
		if ok && was.Venue == place {
			now := *was
			now.Event = e
			h.halls[e.ID] = &now
			continue
		}
		if ok {
			was.close()
		}
		h.open(ctx, e, place, ok)
	}
	select {
	case <-h.known:
	default:
		close(h.known)
	}
	return nil
}

// open begins to follow an event. Of one that has moved here with its seats sold
// the store of the holds knows nothing yet. The caller holds the lock.
func (h *Halls) open(ctx context.Context, e tickets.Event, place *venue.Venue, moved bool) {
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	hall := &Hall{Event: e, Venue: place, Seats: New(e.ID, place, time.Now), gone: gone, lost: new(atomic.Bool), close: sync.OnceFunc(func() { cancel(); close(gone) })}
	hall.lost.Store(moved)
	h.halls[e.ID] = hall
	hall.Seats.Apply(Change{Event: e.ID}) // to be read at once
	h.work.Go(func() { tick(ctx, flushEvery, func() { hall.Seats.Expire(); hall.Seats.Flush() }) })
	h.work.Go(func() { h.follow(ctx, hall) })
}

func tick(ctx context.Context, d time.Duration, do func()) {
	every := time.NewTicker(d)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}

// follow reads the whole now and then.
func (h *Halls) follow(ctx context.Context, hall *Hall) {
	var last time.Time     // when it was read
	var rest time.Duration // how long it isn't read after that
	tick(ctx, lookEvery, func() {
		since := time.Since(last)
		if since < rest || since < readEvery && !(hall.Seats.Asked() || since > staleAfter && hall.Seats.Unsure()) {
			return
		}
		began := time.Now()
		if err := h.read(ctx, hall); err != nil && ctx.Err() == nil {
			h.cfg.Log.Warn("the seats can't be read", "event", hall.ID, "error", err.Error())
		}
		last = time.Now()
		rest = restFor * last.Sub(began)
	})
}

func (h *Halls) read(ctx context.Context, hall *Hall) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	err := h.restore(ctx, hall)
	era := hall.Seats.Reading()
	states, unread := h.cfg.Claims.Seats(ctx, hall.ID)
	if unread == nil {
		hall.Seats.Read(states, era)
	}
	if err = errors.Join(err, unread); err != nil {
		hall.Seats.Apply(Change{Event: hall.ID}) // try again soon
	}
	return err
}

// restore calls Lost when that is due.
func (h *Halls) restore(ctx context.Context, hall *Hall) error {
	if h.cfg.Lost == nil || !hall.lost.Swap(false) {
		return nil
	}
	if err := h.cfg.Lost(ctx, hall.ID); err != nil {
		hall.lost.Store(true)
		return fmt.Errorf("restore what was lost: %w", err)
	}
	return nil
}

// Venue returns the venue of that id, nil for none.
func (h *Halls) Venue(id string) *venue.Venue { return h.cfg.Venues[id] }

package room

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"designkits/cases/tickets"
)

// A Board shows those who wait where they stand. However many watch, the room
// is asked once a round how far an event's queue has come; a watcher's place
// follows from that, and it is looked up again only when its turn has come,
// and now and then, since others leave. Its methods may be called by many
// goroutines.
type Board struct {
	Room    Room
	SoldOut func(tickets.EventID) bool // as the Door's
	Now     func() time.Time
	Log     *slog.Logger
	Most    int // watchers at once

	mu     sync.Mutex
	events map[tickets.EventID]map[*Watcher]struct{}
	of     map[watched]int
	n      int
}

type watched struct {
	event   tickets.EventID
	account tickets.Account
}

// A Sight is what a watcher is told.
type Sight struct {
	Status  Status
	Ahead   int64
	Rate    float64 // how many a second are let in
	SoldOut bool
	Stale   bool // the room doesn't answer; the place is kept, and this is the last that is known
}

// The errors of Watch.
var (
	ErrFull = errors.New("too many watch: try again in a moment")
	ErrMany = errors.New("the account watches too often already: close another page")
)

// Bounds of a Board.
const (
	boardEvery  = 250 * time.Millisecond
	boardIn     = 2 * time.Second  // bounds a round
	recheck     = 20 * time.Second // a place is looked up again
	lookUpsMost = 4000             // places a round and event
	perAccount  = 3                // watchers
)

// A Watcher follows one account's place.
type Watcher struct {
	board *Board
	who   watched
	// sights has room for one: the newest replaces what wasn't taken.
	sights chan Sight

	// The rest is for the Board's Run.
	place    Place
	lookedUp time.Time
	told     Sight
	toldAt   time.Time
}

// Watch begins to follow an account from the place that was just looked up,
// which is its first sight. It returns ErrFull or ErrMany where that is too much.
func (b *Board) Watch(event tickets.EventID, account tickets.Account, place Place) (*Watcher, error) {
	now := b.Now()
	w := &Watcher{board: b, who: watched{event, account}, sights: make(chan Sight, 1), place: place, lookedUp: now}
	w.put(Sight{Status: place.Status, Ahead: place.Ahead, Rate: place.Rate, SoldOut: b.SoldOut(event)}, now)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n >= b.Most {
		return nil, ErrFull
	}
	if b.of[w.who] >= perAccount {
		return nil, ErrMany
	}
	if b.events == nil {
		b.events, b.of = map[tickets.EventID]map[*Watcher]struct{}{}, map[watched]int{}
	}
	if b.events[event] == nil {
		b.events[event] = map[*Watcher]struct{}{}
	}
	b.events[event][w] = struct{}{}
	b.of[w.who]++
	b.n++
	return w, nil
}

// Sights brings what has changed: the newest only, however slowly it is read.
func (w *Watcher) Sights() <-chan Sight { return w.sights }

// Close ends the watching. It is to be called once.
func (w *Watcher) Close() {
	b := w.board
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.events[w.who.event], w)
	if len(b.events[w.who.event]) == 0 {
		delete(b.events, w.who.event)
	}
	if b.of[w.who]--; b.of[w.who] == 0 {
		delete(b.of, w.who)
	}
	b.n--
}

// Watchers is how many watch.
func (b *Board) Watchers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

// Run keeps the watchers told until the context ends.
func (b *Board) Run(ctx context.Context) error {
	every := time.NewTicker(boardEvery)
	defer every.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		var errs error
		for event, watchers := range b.snapshot() {
			errs = errors.Join(errs, b.round(ctx, event, watchers))
		}
		if (errs != nil) != failed && ctx.Err() == nil {
			if failed = errs != nil; failed {
				b.Log.Warn("places can't be looked up", "error", errs.Error())
			} else {
				b.Log.Info("places are looked up again")
			}
		}
	}
}

func (b *Board) snapshot() map[tickets.EventID][]*Watcher {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make(map[tickets.EventID][]*Watcher, len(b.events))
	for event, watchers := range b.events {
		for w := range watchers {
			all[event] = append(all[event], w)
		}
	}
	return all
}

// round tells the watchers of one event.
func (b *Board) round(ctx context.Context, event tickets.EventID, watchers []*Watcher) error {
	ctx, cancel := context.WithTimeout(ctx, boardIn)
	defer cancel()
	head, err := b.Room.Head(ctx, event)
	if err == nil {
		err = b.lookUp(ctx, event, head, watchers)
	}
	now, soldOut := b.Now(), b.SoldOut(event)
	for _, w := range watchers {
		if err != nil {
			w.stale(now)
		} else {
			w.tell(head, soldOut, now)
		}
	}
	return err
}

// lookUp looks up the places of those whom the head says too little about: first
// those whose turn has come, then the others now and then.
func (b *Board) lookUp(ctx context.Context, event tickets.EventID, head Head, watchers []*Watcher) error {
	var due, old []*Watcher
	now := b.Now()
	for _, w := range watchers {
		switch {
		case w.place.Status == Early && head.Open, w.place.Status == Waiting && w.place.Mark <= head.Mark:
			due = append(due, w)
		case now.Sub(w.lookedUp) > recheck:
			old = append(old, w)
		}
	}
	ask := append(due, old...)
	ask = ask[:min(len(ask), lookUpsMost)]
	accounts := make([]tickets.Account, len(ask))
	for i, w := range ask {
		accounts[i] = w.who.account
	}
	places, err := b.Room.Places(ctx, event, accounts...)
	if err != nil {
		return err
	}
	for i, w := range ask {
		w.place, w.lookedUp = places[i], now
	}
	return nil
}

// tell tells the watcher where it stands, if that is worth telling: a change of
// status at once, and that all is sold, a change of place the more often the nearer
// it is to the door.
func (w *Watcher) tell(head Head, soldOut bool, now time.Time) {
	s := Sight{Status: w.place.Status, Rate: head.Rate, SoldOut: soldOut}
	if s.Status == Waiting {
		s.Ahead = w.place.Behind(head)
	}
	changed := s.Status != w.told.Status || s.SoldOut != w.told.SoldOut || w.told.Stale
	pause := min(max(Wait(s.Ahead, s.Rate)/20, boardEvery), 5*time.Second)
	moved := s.Ahead != w.told.Ahead && now.Sub(w.toldAt) >= pause
	if changed || moved {
		w.put(s, now)
	}
}

// stale tells the watcher once that nothing new is known.
func (w *Watcher) stale(now time.Time) {
	if s := w.told; !s.Stale {
		s.Stale = true
		w.put(s, now)
	}
}

func (w *Watcher) put(s Sight, now time.Time) {
	w.told, w.toldAt = s, now
	select {
	case <-w.sights: // what wasn't taken is old
	default:
	}
	w.sights <- s // there is room: nobody else puts
}

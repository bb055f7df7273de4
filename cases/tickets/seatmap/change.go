package seatmap

import (
	"context"
	"sync/atomic"
	"time"

	"designkits/cases/tickets"
)

// A Change is seats that have changed together. One that names no seats says
// that they must be read anew.
type Change struct {
	Event tickets.EventID
	Seats []tickets.SeatID
	State tickets.State // Available, Held or Paid
	Token int64         // of the hold
	Until time.Time     // when a hold ends
}

// Changes carries changes between processes. Messages may be lost, repeated and
// reordered.
type Changes interface {
	// Announce tells the changes to all others who follow: whoever announces knows
	// them.
	Announce(ctx context.Context, changes []Change) error

	// Follow calls apply with what is announced, and lost whenever messages may
	// have been missed, also when it begins to listen. It calls neither at once
	// with the other, and returns only when the context ends.
	Follow(ctx context.Context, apply func([]Change), lost func()) error
}

// Bounds of an Announcer.
const (
	maxWaiting     = 10_000 // changes; more are dropped
	maxBatch       = 512    // in one message
	announceWithin = time.Second
	// announceEvery is the least time between two messages. What comes alone goes
	// at once; of a rush one message in 5 ms is enough for pages that are told
	// every 100 ms, and a hold no longer costs Redis a message to every replica.
	announceEvery = 5 * time.Millisecond
)

// An Announcer tells changes to the other processes without holding up who
// made them. What can't be told in time is dropped and counted; the others mend
// it when they read the whole.
type Announcer struct {
	to      Changes
	waiting chan Change
	dropped atomic.Int64
}

// NewAnnouncer returns an announcer; Run makes it work.
func NewAnnouncer(to Changes) *Announcer {
	return &Announcer{to: to, waiting: make(chan Change, maxWaiting)}
}

// Announce takes a change to be told. It never waits.
func (a *Announcer) Announce(c Change) {
	select {
	case a.waiting <- c:
	default:
		a.dropped.Add(1)
	}
}

// Dropped is how many changes were not told.
func (a *Announcer) Dropped() int64 { return a.dropped.Load() }

// Run tells what is announced until the context ends.
func (a *Announcer) Run(ctx context.Context) error {
	for {
		select {
		case first := <-a.waiting:
			next := time.NewTimer(announceEvery)
			a.send(ctx, a.more(first))
			select {
			case <-next.C:
			case <-ctx.Done():
				next.Stop()
				return ctx.Err()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// more returns the change and those that wait behind it.
func (a *Announcer) more(first Change) []Change {
	batch := []Change{first}
	for len(batch) < maxBatch {
		select {
		case next := <-a.waiting:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (a *Announcer) send(ctx context.Context, batch []Change) {
	ctx, cancel := context.WithTimeout(ctx, announceWithin)
	defer cancel()
	if err := a.to.Announce(ctx, batch); err != nil {
		a.dropped.Add(int64(len(batch)))
	}
}

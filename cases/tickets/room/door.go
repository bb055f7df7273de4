package room

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"designkits/cases/tickets"
)

// Pressure is how hard booking has to work, as its replicas say themselves.
// Its methods may be called by many goroutines in many processes at once, and
// may be repeated.
type Pressure interface {
	// Report says what the p99 of a replica's holds was over the last seconds;
	// zero when it was asked for none. It counts for FreshFor.
	Report(ctx context.Context, replica string, p99 time.Duration) error

	// Reports returns what each replica has reported lately.
	Reports(ctx context.Context) (map[string]time.Duration, error)
}

// FreshFor is how long a report of a replica counts. Replicas report each
// second, the idle ones too.
const FreshFor = 5 * time.Second

// A Door lets people in, at the rate that booking can serve. Of all the gates'
// doors only the event's doorkeeper's does; when that gate is gone another
// takes over, with the rate where it was, within GuardFor.
type Door struct {
	Room     Room
	Pressure Pressure
	Events   func() []tickets.Event // what is sold, by now
	// SoldOut reports whether an event has no seat left. Then nobody is let in: who
	// waits keeps its place, and if a seat comes back it goes on.
	SoldOut func(tickets.EventID) bool
	Keeper  string // this gate; no other may have the name
	// Admission returns how an event begins to let people in.
	Admission func(tickets.Event) *Admission
	Now       func() time.Time
	Log       *slog.Logger
}

// Times of a Door.
const (
	GuardFor  = 2 * time.Second        // without a sign of the doorkeeper
	doorEvery = 200 * time.Millisecond // people are let in
	lookEvery = time.Second            // and booking is looked at
	doorIn    = time.Second            // bounds what it asks the stores
)

// A turn is this gate's time as doorkeeper of an event.
type turn struct {
	token     int64
	admission *Admission
	admitted  time.Time // when people were let in last
	looked    time.Time
	used      bool // all who might come in since the last look did
}

// Run lets people in until the context ends.
func (d *Door) Run(ctx context.Context) error {
	every := time.NewTicker(doorEvery)
	defer every.Stop()
	turns := map[tickets.EventID]*turn{}
	failed := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		err := d.round(ctx, turns)
		if (err != nil) != failed && ctx.Err() == nil {
			failed = err != nil
			if failed {
				d.Log.Warn("nobody is let in for the moment", "error", err.Error())
			} else {
				d.Log.Info("people are let in again")
			}
		}
	}
}

// round goes once to each event's door.
func (d *Door) round(ctx context.Context, turns map[tickets.EventID]*turn) error {
	var errs error
	sold := map[tickets.EventID]bool{}
	for _, e := range d.Events() {
		if now := d.Now(); now.Before(e.OnSale) || !now.Before(e.Starts) || d.SoldOut(e.ID) {
			continue
		}
		sold[e.ID] = true
		ctx, cancel := context.WithTimeout(ctx, doorIn)
		err := d.serve(ctx, e, turns)
		cancel()
		if err != nil {
			delete(turns, e.ID) // whoever can guards the door next
			if !errors.Is(err, ErrGuarded) && !errors.Is(err, ErrRelieved) {
				errs = errors.Join(errs, err)
			}
		}
	}
	for event := range turns {
		if !sold[event] {
			delete(turns, event)
		}
	}
	return errs
}

// serve lets in those whose turn it is, if this gate is the doorkeeper.
func (d *Door) serve(ctx context.Context, e tickets.Event, turns map[tickets.EventID]*turn) error {
	token, err := d.Room.Guard(ctx, e.ID, d.Keeper, GuardFor)
	if err != nil {
		return err
	}
	now, t := d.Now(), turns[e.ID]
	if t == nil || t.token != token {
		if t, err = d.begin(ctx, e, token, now); err != nil {
			return err
		}
		turns[e.ID] = t
	}
	if now.Sub(t.looked) >= lookEvery {
		if err := d.look(ctx, t); err != nil {
			return err
		}
		t.looked, t.used = now, true
	}
	n := t.admission.Due(now.Sub(t.admitted))
	t.admitted = now
	in, err := d.Room.Admit(ctx, e.ID, token, n, t.admission.Rate())
	t.used = t.used && len(in) == n
	return err
}

// begin takes the door over where the doorkeeper before left it, and looks at
// booking at once. The time that goes by meanwhile counts from the next round on.
func (d *Door) begin(ctx context.Context, e tickets.Event, token int64, now time.Time) (*turn, error) {
	if err := d.Room.Open(ctx, e.ID); err != nil {
		return nil, err
	}
	head, err := d.Room.Head(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	t := &turn{token: token, admission: d.Admission(e), admitted: now, looked: now}
	if head.Rate > 0 {
		t.admission.Resume(head.Rate)
	}
	if err := d.look(ctx, t); err != nil {
		return nil, err
	}
	d.Log.Info("letting people in", "event", e.ID, "rate", t.admission.Rate(), "waiting", head.Waiting)
	return t, nil
}

// look takes in what booking's replicas report: the slowest counts. Where none
// does, booking is away, and that is as bad as slow. A rate that wasn't used up
// says nothing about a higher one.
func (d *Door) look(ctx context.Context, t *turn) error {
	reports, err := d.Pressure.Reports(ctx)
	if err != nil {
		return err
	}
	slowest := time.Duration(0)
	for _, p99 := range reports {
		slowest = max(slowest, p99)
	}
	if len(reports) == 0 {
		slowest = t.admission.Target + 1
	}
	if t.used || slowest > t.admission.Target {
		t.admission.Look(slowest)
	}
	return nil
}

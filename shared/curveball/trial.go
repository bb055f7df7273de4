package curveball

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"designkits/shared/load"
)

// undoWithin is how long it may take to undo all faults of a trial: servers that
// start again on a busy machine, one after the other.
const undoWithin = 5 * time.Minute

// A Trial is one run of an experiment on one variant. Its methods may be called
// by many goroutines.
type Trial struct {
	options map[string]string
	watch   func(Moment)
	began   time.Time

	mu      sync.Mutex
	figures []Figure
	events  []Event
	loads   []Load
	undo    []undo
	cleanup []func(context.Context) error
}

type undo struct {
	what string
	do   func(context.Context) error
}

// A Figure is one measured value.
type Figure struct {
	Name  string  `json:"figure"`
	Value float64 `json:"value"`
}

// An Event is something that happened, at a time since the trial began.
type Event struct {
	At   float64   `json:"at"` // seconds
	Kind EventKind `json:"kind"`
	Text string    `json:"text"`
}

// An EventKind says what an event is about.
type EventKind string

// The kinds of events.
const (
	Phase  EventKind = "phase"  // the trial goes on to something else
	Fault  EventKind = "fault"  // something was broken
	Mended EventKind = "mended" // and is whole again
	Note   EventKind = "note"   // something worth knowing
)

// A Load is the effect of the load, second by second.
type Load struct {
	Name    string        `json:"name"`
	From    float64       `json:"from"` // seconds after the trial began
	Seconds []load.Second `json:"seconds"`
}

// A Sample is one second of a load as far as it is known. A later one of the same
// second replaces it: an answer may come long after its call was due.
type Sample struct {
	// Load and From say which load it is, as in the report's.
	Load string  `json:"load"`
	From float64 `json:"from"`
	Nth  int     `json:"second"` // counted from From
	load.Second
}

// Put makes the sample part of the load that it is of.
func (l *Load) Put(s Sample) {
	for s.Nth >= len(l.Seconds) {
		l.Seconds = append(l.Seconds, load.Second{})
	}
	l.Seconds[s.Nth] = s.Second
}

// A Moment is what is told of a trial while it goes on: one of these.
type Moment struct {
	Event  *Event  `json:"event,omitempty"`
	Sample *Sample `json:"sample,omitempty"`
}

func newTrial(options map[string]string, watch func(Moment)) *Trial {
	return &Trial{options: options, watch: watch, began: time.Now()}
}

// Option returns the variant's choice, or the real one's.
func (t *Trial) Option(name, real string) string {
	if choice, ok := t.options[name]; ok {
		return choice
	}
	return real
}

// Options are those of the variant; none for the real one.
func (t *Trial) Options() map[string]string { return maps.Clone(t.options) }

// Wait lets the trial go on as it is for a while: a fault lasts, a link expires.
func (t *Trial) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Cleanup has f called when the trial has ended, in whatever way, and its
// faults are mended; the last one first.
func (t *Trial) Cleanup(f func(context.Context) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanup = append(t.cleanup, f)
}

// Figure records a measured value; a later one of the same name replaces it.
func (t *Trial) Figure(name string, value float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.IndexFunc(t.figures, func(f Figure) bool { return f.Name == name }); i >= 0 {
		t.figures[i].Value = value
		return
	}
	t.figures = append(t.figures, Figure{name, value})
}

// Phase notes that the trial goes on to something else.
func (t *Trial) Phase(format string, args ...any) { t.event(Phase, format, args...) }

// Note puts something worth knowing on the timeline.
func (t *Trial) Note(format string, args ...any) { t.event(Note, format, args...) }

func (t *Trial) event(kind EventKind, format string, args ...any) {
	e := Event{time.Since(t.began).Seconds(), kind, fmt.Sprintf(format, args...)}
	t.mu.Lock()
	t.events = append(t.events, e)
	t.mu.Unlock()
	if t.watch != nil {
		t.watch(Moment{Event: &e})
	}
}

// Load runs a plan and puts its effect on the timeline, each second as it passes.
func (t *Trial) Load(ctx context.Context, name string, p load.Plan, call load.Call) (*load.Result, error) {
	from := (time.Since(t.began) + p.Warmup).Seconds()
	t.mu.Lock()
	n := len(t.loads) // in the order in which they begin
	t.loads = append(t.loads, Load{Name: name, From: from})
	t.mu.Unlock()
	t.event(Phase, "%s: %.0f/s for %v", name, p.Rate, p.For)
	if t.watch != nil {
		p.Watch = func(second int, so load.Second) { t.watch(Moment{Sample: &Sample{name, from, second, so}}) }
	}
	r, err := load.Run(ctx, p, call)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t.mu.Lock()
	t.loads[n].Seconds = r.Seconds
	t.mu.Unlock()
	t.event(Note, "%s: %v", name, r)
	return r, ctx.Err()
}

// Break injects a fault. mend undoes it; it is called by Mend, or when the
// trial ends in whatever way, a panic included, so that no fault is left.
func (t *Trial) Break(ctx context.Context, what string, do, mend func(context.Context) error) error {
	t.mu.Lock()
	t.undo = append(t.undo, undo{what, mend}) // before: it may break half way
	t.mu.Unlock()
	if err := do(ctx); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	t.event(Fault, "%s", what)
	return nil
}

// Mend undoes the faults that are left, the last first.
func (t *Trial) Mend(ctx context.Context) (err error) {
	for {
		t.mu.Lock()
		n := len(t.undo) - 1
		if n < 0 {
			t.mu.Unlock()
			return err
		}
		u := t.undo[n]
		t.undo = t.undo[:n]
		t.mu.Unlock()
		if uerr := u.do(ctx); uerr != nil {
			err = errors.Join(err, fmt.Errorf("undo %q: %w", u.what, uerr))
			continue
		}
		t.event(Mended, "%s: undone", u.what)
	}
}

// run runs the experiment, keeps a panic as an error, mends and cleans up.
func (t *Trial) run(ctx context.Context, e Experiment) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("experiment %s panicked: %v", e.Name, p)
		}
		mend, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoWithin)
		defer cancel()
		err = errors.Join(err, t.Mend(mend))
		for _, f := range slices.Backward(t.cleanup) {
			err = errors.Join(err, f(mend))
		}
	}()
	return e.Run(ctx, t)
}

package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"designkits/cases/tickets"
	"designkits/shared/pause"
)

// How a Runner works.
const (
	// pollEvery is how often the store is asked when nothing was due.
	pollEvery = 100 * time.Millisecond
	// patience is how long choreography waits for an event before an order is
	// done by its due time all the same.
	patience = 5 * time.Second
	// longestWait is between two tries of a step.
	longestWait = 30 * time.Second
)

// A Runner makes orders go on. Any number may run, in any number of processes.
type Runner struct {
	Store Store
	Steps interface {
		Do(ctx context.Context, j Job) (Outcome, error)
	}
	// AtOnce is how many orders it works on at a time.
	AtOnce int
	// LeaseFor is how long it has an order before another may take it: when a
	// worker has died, its orders wait that long. A step ends at half of it, so
	// that a slow worker gives up well before another begins.
	LeaseFor time.Duration
	// ByEvents makes it do one step when an event asks for it (Handle), and by its
	// due times only what no event has asked for. Else it takes each order as far
	// as it goes.
	ByEvents bool
	// Observe is told what came of each step, and how long that took.
	Observe func(s tickets.OrderState, what What, took time.Duration)
	Log     *slog.Logger
}

// Run works on orders that are due until ctx ends, and returns nil then. While
// the store is away it waits.
func (r *Runner) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	places := make(chan struct{}, r.AtOnce) // one an order that is worked on
	failing := false
	for {
		// As many as there are places, so that no leased order waits.
		free := 0
		select {
		case places <- struct{}{}:
			free = 1
		case <-ctx.Done():
			return nil
		}
		for full := false; !full; {
			select {
			case places <- struct{}{}:
				free++
			default:
				full = true
			}
		}
		due, err := r.Store.Lease(ctx, free, r.LeaseFor)
		if err != nil && ctx.Err() == nil && !failing {
			r.Log.Warn("orders wait", "error", err.Error())
		}
		failing = err != nil
		for _, j := range due {
			work.Go(func() {
				defer func() { <-places }()
				r.goOn(ctx, j)
			})
		}
		for range free - len(due) {
			<-places
		}
		if len(due) < free {
			pause.For(ctx, pollEvery)
		}
	}
}

// Handle does the step that an event asks for. An event that is old, or whose
// order somebody has, asks for nothing.
func (r *Runner) Handle(ctx context.Context, e Event) error {
	if Over(e.State) {
		return nil
	}
	j, err := r.Store.Take(ctx, e.Order, e.Version, r.LeaseFor)
	if errors.Is(err, ErrOvertaken) {
		return nil
	}
	if err == nil {
		r.goOn(ctx, j)
	}
	return err
}

// goOn takes an order as far as it goes now: in choreography one step, else
// until it is over or has to wait. What can't be written down is done again by
// whoever has the order next.
func (r *Runner) goOn(ctx context.Context, j Job) {
	for {
		next, err := r.step(ctx, j)
		switch {
		case errors.Is(err, errWait):
			err = r.Store.Postpone(context.WithoutCancel(ctx), j, wait(j.Tries), "")
		case errors.Is(err, ErrOvertaken):
			return
		case ctx.Err() != nil: // the process stops
			err = r.Store.Postpone(context.WithoutCancel(ctx), j, 0, "")
		case err != nil:
			level := slog.LevelDebug // it was told when it began
			if j.Tries == 0 {
				level = slog.LevelWarn
			}
			r.Log.Log(ctx, level, "a step has to be done again", "order", j.Order.ID, "state", j.Order.State, "tries", j.Tries+1, "error", err.Error())
			err = r.Store.Postpone(ctx, j, wait(j.Tries), err.Error())
		case r.ByEvents || Over(next.Order.State):
			return
		default:
			j = next
			continue
		}
		if err != nil && !errors.Is(err, ErrOvertaken) {
			r.Log.Warn("an order waits for the end of its lease", "order", j.Order.ID, "error", err.Error())
		}
		return
	}
}

var errWait = errors.New("nothing has changed yet")

// step does one step and writes down what came of it.
func (r *Runner) step(ctx context.Context, j Job) (Job, error) {
	doing, cancel := context.WithTimeout(ctx, r.LeaseFor/2)
	defer cancel()
	began := time.Now()
	out, err := r.Steps.Do(doing, j)
	if err != nil {
		r.Observe(j.Order.State, "error", time.Since(began))
		return j, err
	}
	r.Observe(j.Order.State, out.What, time.Since(began))
	if out.What == Wait {
		return j, errWait
	}
	o, err := Next(j.Order, out)
	if err != nil {
		return j, err
	}
	keep, due := r.LeaseFor, time.Duration(0)
	if r.ByEvents {
		keep, due = 0, patience
	}
	return r.Store.Write(ctx, j, o, keep, due)
}

// wait is how long to wait after so many tries: twice as long each time.
func wait(tries int) time.Duration {
	return min(500*time.Millisecond<<min(tries, 10), longestWait)
}

// perSend is how many events are sent at once.
const perSend = 500

// Relay sends the outbox's events to the log until ctx ends, and returns nil
// then. While either is away events wait in the outbox.
func Relay(ctx context.Context, from Outbox, to Log, log *slog.Logger) error {
	failing := false
	for ctx.Err() == nil {
		sent, err := from.Send(ctx, perSend, to)
		if err != nil && ctx.Err() == nil && !failing {
			log.Warn("events wait in the outbox", "error", err.Error())
		}
		failing = err != nil
		if sent < perSend {
			pause.For(ctx, pollEvery)
		}
	}
	return nil
}

// Notify tells the fan of an event what has become of the order, where there is
// something to tell.
func Notify(to Mailbox) func(context.Context, Event) error {
	return func(ctx context.Context, e Event) error {
		m, worth := message(e)
		if !worth {
			return nil
		}
		return to.Tell(ctx, e, m)
	}
}

// message is what the fan is told of an event, and false when that is nothing.
func message(e Event) (tickets.Message, bool) {
	m := tickets.Message{Order: e.Order, At: e.At}
	switch {
	case e.State == tickets.Ticketed:
		m.Subject = "Your tickets"
		m.Text = fmt.Sprintf("Your order of %d seats is paid. Your tickets are in your account.", len(e.Seats))
	case e.State == tickets.Cancelled:
		m.Subject = "Your order was cancelled"
		m.Text = "Nothing was charged: " + e.Reason + "."
	case e.State == tickets.Done && len(e.Was) > 0:
		m.Subject = "Your seats have changed"
		m.Text = fmt.Sprintf("The event has moved to another hall. Your %d old tickets are worth nothing; the new ones are in your account.", len(e.Was))
	case e.State == tickets.Refunded, e.State == tickets.Done && len(e.Refunded) > 0:
		m.Subject = "Your refund"
		m.Text = fmt.Sprintf("The price of %d of %d seats was given back.", len(e.Refunded), len(e.Seats))
		if e.Reason != "" {
			m.Text += " The reason: " + e.Reason + "."
		}
	default:
		return m, false
	}
	return m, true
}

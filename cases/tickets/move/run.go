package move

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/venue"
)

// lookEvery is how often it is looked for moves that can be carried out.
const lookEvery = 500 * time.Millisecond

// Run carries out the moves that wait until ctx ends, and returns nil then. Any
// number may run, in any number of processes.
func Run(ctx context.Context, store Store, venues map[string]*venue.Venue, log *slog.Logger) error {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	failing := false
	for {
		err := carryOut(ctx, store, venues, log)
		if err != nil && ctx.Err() == nil && !failing {
			log.Warn("events can't be moved", "error", err.Error())
		}
		failing = err != nil
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func carryOut(ctx context.Context, store Store, venues map[string]*venue.Venue, log *slog.Logger) error {
	waiting, err := store.Waiting(ctx)
	for _, m := range waiting {
		from, to := venues[m.From], venues[m.To]
		if from == nil || to == nil {
			err = errors.Join(err, fmt.Errorf("move %s from %q to %q: there is no such hall", m.Event, m.From, m.To))
			continue
		}
		done, failed := store.Do(ctx, m, to.All(), func(orders []tickets.Order) ([]Change, error) { return Plan(orders, from, to) })
		switch {
		case failed == nil:
			log.Info("an event has moved", "event", m.Event, "from", m.From, "to", m.To, "seated", done.Seated, "refunded", done.Refunded, "given up", done.Reason)
		case !errors.Is(failed, ErrNotYet):
			err = errors.Join(err, failed)
		}
	}
	return err
}

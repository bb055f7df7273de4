package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"designkits/cases/tickets/crowd"
	"designkits/shared/fault"
)

// A Fault is one that comes in the middle of the sale.
type Fault struct {
	Name string
	// Strike does the harm and undoes it, and returns when that is done.
	Strike func(ctx context.Context) error
}

// deadFor is how long what is killed stays so: long enough that it is missed.
const deadFor = time.Second

// Faults are what the demo does to the running case, by the kit.
func Faults() ([]Fault, error) {
	kit, err := fault.Open()
	if err != nil {
		return nil, err
	}
	kill := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := kit.Kill(ctx, name); err != nil {
				return err
			}
			timer := time.NewTimer(deadFor)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done(): // it is started all the same
			}
			return errors.Join(ctx.Err(), kit.Restart(context.WithoutCancel(ctx), name))
		}
	}
	return []Fault{
		{"kill -9 a booking replica", kill("tickets/booking-1")},
		{"kill -9 the worker", kill("tickets/worker")},
		{"kill -9 Redis", kill("redis")},
		{"restart PostgreSQL", func(ctx context.Context) error { return kit.Restart(ctx, "postgres") }},
	}, nil
}

// goesOn is how many more orders have to end with tickets after a fault.
const goesOn = 20

// fault strikes, and waits until the sale has gone on since.
func (j *journey) fault(ctx context.Context, f Fault) (string, error) {
	before, began := j.crowd.Figures(), time.Now()
	if err := f.Strike(ctx); err != nil {
		return "", err
	}
	back, healed := j.crowd.Figures(), time.Now()
	if err := j.await(ctx, func(now crowd.Figures) bool { return now.Done >= back.Done+goesOn || j.running.Err() != nil }); err != nil {
		return "", err
	}
	return fmt.Sprintf("away for %.1f s, in which %d holds were granted and %d orders done; %d more %.1f s later",
		healed.Sub(began).Seconds(), back.Holds-before.Holds, back.Done-before.Done, goesOn, time.Since(healed).Seconds()), nil
}

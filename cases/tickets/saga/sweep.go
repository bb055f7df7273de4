package saga

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"designkits/cases/tickets"
	"designkits/shared/pause"
)

// A Stray is a sale to an order that isn't to have it: made by a worker that
// was so late that the order had been undone, while the claims couldn't be
// asked about its hold.
type Stray struct {
	Event tickets.EventID
	Order tickets.OrderID
	Seats []tickets.SeatID
}

// A Cellar is where things are left.
type Cellar interface {
	// Forget removes what is too old to be asked for: answers to requests, ids of
	// notices, events that were sent.
	Forget(ctx context.Context) error
	// Strays returns sales to orders that are over and have no ticket for the seat.
	Strays(ctx context.Context) ([]Stray, error)
}

// sweepEvery is how often it is swept.
const sweepEvery = time.Minute

// Sweep removes what is left over, once a minute until ctx ends.
func Sweep(ctx context.Context, c Cellar, claims tickets.Claims, log *slog.Logger) error {
	for ctx.Err() == nil {
		err := c.Forget(ctx)
		strays, failed := c.Strays(ctx)
		err = errors.Join(err, failed)
		for _, s := range strays {
			log.Warn("seats were sold to an order that is over; they are freed", "order", s.Order, "seats", s.Seats)
			err = errors.Join(err, claims.Refund(ctx, s.Event, s.Order, s.Seats))
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("not everything was swept", "error", err.Error())
		}
		pause.For(ctx, sweepEvery)
	}
	return nil
}

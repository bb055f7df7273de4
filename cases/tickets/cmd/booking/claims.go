package main

import (
	"context"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/cmd/internal/strategy"
)

// A decider is the claims, and what they need of a replica.
type decider struct {
	tickets.Claims
	// addSeats makes the rows of an event's seats; nil where there are none.
	addSeats func(ctx context.Context, event tickets.EventID, seats []tickets.SeatID) error
	// restore tells of an event's sales what may have lost them; nil where
	// nothing can.
	restore func(ctx context.Context, event tickets.EventID) error
}

// openClaims returns the claims by the strategy of that name.
func openClaims(name string, db *postgres.DB, client *redis.Client) (decider, error) {
	claims, err := strategy.Claims(name, db, client)
	d := decider{Claims: claims}
	switch claims := claims.(type) {
	case *redis.Claims:
		d.restore = claims.Restore
	case *postgres.Claims:
		d.addSeats = db.AddSeats
	}
	return d, err
}

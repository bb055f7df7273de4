package main

import (
	"context"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
)

// A strategy is how claims are decided, and what that needs.
type strategy struct {
	tickets.Claims
	// addSeats makes the rows of an event's seats; nil where there are none.
	addSeats func(ctx context.Context, event tickets.EventID, seats []tickets.SeatID) error
	// restore tells of an event's sales what may have lost them; nil where
	// nothing can.
	restore func(ctx context.Context, event tickets.EventID) error
}

// openClaims returns the strategy of that name.
func openClaims(name string, db *postgres.DB, client *redis.Client) (strategy, error) {
	switch name {
	case "redis-lua":
		claims := client.Claims(db.Sales())
		return strategy{Claims: claims, restore: claims.Restore}, nil
	case "setnx":
		return strategy{Claims: client.SetNX()}, nil
	}
	claims, err := db.Claims(postgres.Strategy(name))
	return strategy{Claims: claims, addSeats: db.AddSeats}, err
}

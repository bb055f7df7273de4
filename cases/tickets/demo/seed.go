package demo

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/tickets/client"
	"designkits/cases/tickets/crowd"
)

// What a seed puts in: some fans buy in the theatre, which is on sale from the
// start and has no waiting room.
const (
	seedEvent = "theatre"
	seedFans  = 90
)

// Seed sells a part of the theatre, so that a person who looks around finds
// seats taken and a sale to look at. It does nothing where seats are taken
// already, so it may be run at every start. It returns how many seats it sold.
func Seed(ctx context.Context, page string) (sold int, err error) {
	c, err := client.New(page)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	state, err := c.Event(ctx, seedEvent)
	if err != nil {
		return 0, fmt.Errorf("seed: look at the theatre: %w", err)
	}
	if state.Free < state.Seats {
		return 0, nil
	}
	cfg := crowd.Usual(c, seedEvent, seedFans, 0)
	cfg.Early, cfg.Think, cfg.GiveUp, cfg.Sources = 0, 200*time.Millisecond, 0, nil
	people := crowd.New(cfg)
	if err := people.Run(ctx); err != nil {
		return 0, fmt.Errorf("seed: %w", err)
	}
	f := people.Figures()
	if sold = f.Seats["fan"]; sold == 0 {
		return 0, fmt.Errorf("seed: nobody could buy in the theatre: %v %v", f.Left, f.Refused)
	}
	return sold, ctx.Err()
}

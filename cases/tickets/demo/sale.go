package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/crowd"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/provider"
)

// Times of the sale.
const (
	opensIn = 8 * time.Second // after it is announced
	holdFor = 10              // s, so that seats which nobody pays for come back soon
)

// open announces an event that nobody has seen before, makes the provider a bad
// one, and sends the crowd.
func (j *journey) open(ctx context.Context) (string, error) {
	err := provider.Behave(ctx, j.cfg.Provider, j.cfg.ProviderKey, map[string]any{
		"lateAfter": "8s", "duplicateRate": 0.2, "reorderRate": 0.2, "reorderWithin": "500ms",
	})
	if err != nil {
		return "", err
	}
	session, err := j.api.Session(ctx, identity.Organiser, j.cfg.Organiser)
	if err != nil {
		return "", err
	}
	j.organiser = j.api.As(session.Token)
	id := fmt.Sprintf("demo-%d", time.Now().UnixMilli())
	if j.event, err = announce(ctx, j.organiser, tickets.EventID(id), j.cfg.Venue); err != nil {
		return "", err
	}
	state, err := j.api.Event(ctx, j.event.ID)
	if err != nil {
		return "", err
	}
	j.seats = state.Seats
	cfg := crowd.Usual(j.api, j.event.ID, j.cfg.Fans, j.cfg.Bots)
	cfg.Sources["tok_late"] = 1
	cfg.Before, cfg.After, cfg.Think = 4*time.Second, 8*time.Second, 700*time.Millisecond
	j.crowd = crowd.New(cfg)
	gone, cause := context.WithCancelCause(context.WithoutCancel(ctx))
	j.running = gone
	go func() { cause(j.crowd.Run(ctx)) }() // Run waits for it
	return fmt.Sprintf("%d seats for %d fans and %d bots, on sale in %.0f s", j.seats, j.cfg.Fans, j.cfg.Bots, time.Until(j.event.OnSale).Seconds()), nil
}

// announce opens an event and waits until its waiting room knows it.
func announce(ctx context.Context, organiser *client.Client, id tickets.EventID, venue string) (client.Event, error) {
	prices := map[string]tickets.Cents{"1": 9800, "2": 6900, "3": 3900}
	if venue == "theatre" {
		delete(prices, "3")
	}
	e := client.Event{
		ID: id, Name: "A whole sale", Venue: venue, OnSale: time.Now().Add(opensIn), Starts: time.Now().Add(240 * time.Hour), Room: true,
		Currency: "EUR", Prices: prices, PerAccount: 4, HoldFor: holdFor, MaxHold: 6 * holdFor,
	}
	if err := organiser.PutEvent(ctx, e); err != nil {
		return e, err
	}
	return e, until(ctx, opensIn, 100*time.Millisecond, func(ctx context.Context) error {
		// The organiser may not wait there, which the room says once it knows where.
		if _, err := organiser.Place(ctx, id); client.Is(err, "no-such-event") {
			return err
		}
		for range 2 * replicas { // of each replica at least once, since the edge takes turns
			if _, err := organiser.Event(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

const replicas = 2

// lottery waits until the sale begins, and checks that nobody came in before.
func (j *journey) lottery(ctx context.Context) (string, error) {
	timer := time.NewTimer(time.Until(j.event.OnSale))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	f := j.crowd.Figures()
	switch {
	case f.Joined == 0:
		return "", errors.New("nobody has come")
	case f.Holds > 0:
		return "", fmt.Errorf("%d holds were granted before the sale began", f.Holds)
	}
	return fmt.Sprintf("%d have a lot; %d answers asked for work first", f.Joined, f.Refused["/problems/work-first"]), nil
}

// letIn waits until a tenth of the hall is ordered.
func (j *journey) letIn(ctx context.Context) (string, error) {
	if err := j.await(ctx, func(f crowd.Figures) bool { return f.Seats["fan"]+f.Seats["bot"] >= j.seats/10 }); err != nil {
		return "", err
	}
	return j.crowd.Figures().String(), nil
}

// await waits until the crowd has come that far.
func (j *journey) await(ctx context.Context, far func(crowd.Figures) bool) error {
	said := time.Now()
	return until(ctx, j.cfg.Patience, 50*time.Millisecond, func(context.Context) error {
		f := j.crowd.Figures()
		if far(f) {
			return nil
		}
		if j.running.Err() != nil {
			return fmt.Errorf("the crowd has gone (%w): %s; %v", context.Cause(j.running), f, f.Left)
		}
		if time.Since(said) > 2*time.Second {
			said = time.Now()
			fmt.Fprintln(j.cfg.Progress, f)
		}
		return fmt.Errorf("%s; refused: %v", f, f.Refused)
	})
}

// sellOut waits until every seat is paid, and then until everybody has gone.
func (j *journey) sellOut(ctx context.Context) (string, error) {
	gone := func(crowd.Figures) bool { return j.running.Err() != nil }
	err := j.await(ctx, func(f crowd.Figures) bool { return gone(f) || f.Seats["fan"]+f.Seats["bot"] == j.seats })
	took := time.Since(j.event.OnSale)
	if err == nil {
		err = j.await(ctx, gone)
	}
	if err != nil {
		return "", err
	}
	if err := context.Cause(j.running); !errors.Is(err, context.Canceled) {
		return "", err
	}
	f := j.crowd.Figures()
	state, err := j.api.Event(ctx, j.event.ID)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d of %d seats are taken, the last %.0f s after the sale began; %d orders, %d without tickets", state.Seats-state.Free, j.seats, took.Seconds(), f.Orders, f.Undone), nil
}

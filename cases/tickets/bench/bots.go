package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/crowd"
	harness "designkits/shared/bench"
	"designkits/shared/rig"
)

var botsShare = harness.Bench{
	Name:  "bots-share",
	About: "the theatre sold to fans and a third as many bots: the bots' share of the seats with their defence, against that without",
	Run: func(ctx context.Context, r *harness.Run) error {
		with, err := soldToBots(ctx, r, "on")
		if err != nil {
			return err
		}
		without, err := soldToBots(ctx, r, "off")
		if err != nil {
			return err
		}
		r.Report(harness.Result{
			Name: "bots-share", Value: 100 * with.BotShare(), Unit: "%", Baseline: 100 * without.BotShare(),
			Note: fmt.Sprintf("seats of fans and bots: %d and %d, without %d and %d; bots that wouldn't work so much: %d",
				with.Seats["fan"], with.Seats["bot"], without.Seats["fan"], without.Seats["bot"], with.Left["bot: "+crowd.TooMuch]),
		}, harness.RatioAtMost(1))
		return nil
	},
}

// soldToBots sells a hall through the waiting room, with or without defence.
func soldToBots(ctx context.Context, r *harness.Run, defence string) (f crowd.Figures, err error) {
	fans, bots := 600, 200
	if r.Quick {
		fans, bots = 60, 20
	}
	s, err := openStore(ctx, 2)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	env := map[string]string{"BOT_DEFENCE": defence}
	for name, value := range secrets {
		env[name] = value
	}
	c, err := rig.Start(ctx, rig.Options{Namespace: s.namespace, Env: env})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
	onSale := time.Now().Add(12 * time.Second) // bots come three seconds before
	_, err = s.db.Events().Add(ctx, tickets.Event{
		ID: "premiere", Name: "A premiere", Venue: "theatre", Starts: onSale.Add(24 * time.Hour), OnSale: onSale, Room: true,
		Currency: "EUR", Prices: map[string]tickets.Cents{"1": 6500, "2": 3800}, PerAccount: 4,
		HoldFor: 10 * time.Second, MaxHold: time.Minute, // what is held in vain is free again while fans still look
	})
	if err != nil {
		return f, err
	}
	if err := heard(ctx, c, "premiere"); err != nil {
		return f, err
	}
	if late := time.Since(onSale.Add(-3 * time.Second)); late > 0 {
		return f, fmt.Errorf("the bots would be %s late: the machine is too busy to measure", late)
	}
	page, err := client.New(c.Page)
	if err != nil {
		return f, err
	}
	defer page.Close()
	cfg := crowd.Usual(page, "premiere", fans, bots)
	cfg.Patience = 40 * time.Second
	people := crowd.New(cfg)
	if err := people.Run(ctx); err != nil {
		return f, err
	}
	r.Logf("defence %s: %v", defence, people.Figures())
	return people.Figures(), nil
}

// heard returns once the gate and both replicas have heard of an event.
func heard(ctx context.Context, c *rig.Case, event tickets.EventID) error {
	for _, process := range []string{"booking-1", "booking-2", "gate"} {
		asked, err := client.New("http://" + c.Addr(process))
		if err != nil {
			return err
		}
		defer asked.Close()
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		for {
			if process == "gate" {
				_, err = asked.As(session()).Place(ctx, event)
			} else {
				_, err = asked.Event(ctx, event)
			}
			if err == nil || client.Is(err, "no-place") {
				break
			}
			select {
			case <-every.C:
			case <-ctx.Done():
				return fmt.Errorf("%s doesn't know %s: %w, %w", process, event, err, ctx.Err())
			}
		}
	}
	return nil
}

package curveballs

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/provider"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// PartRefund are groups of which some can't come.
var PartRefund = curveball.Experiment{
	Name:       "part-refund",
	Question:   "Ten groups of six; two of each can't come and give their seats back, while the provider leaves nine of ten requests unanswered. Who gets how much?",
	Hypothesis: "Each group the price of two seats, once; four tickets stay good and two seats are for sale again.",
	Answer: `An order is lines, and each can be given back alone: its ticket is worth nothing at once, then the money
goes, then the seat is free, each step written down before the next ([Return](order.go)). A request
without an answer may have had its effect, so it is sent again with the same key, which is made of
the order, the step and how many lines went before; the provider does it once. With a fresh key each
time the second try is another refund. A group discount would have to be worked out again for those who
stay: each line keeps what was paid for it, so here nothing is.`,
	Expect: curveball.Bands{
		curveball.Between("given back, of what ten pairs have paid", "%", 100, 100),
		curveball.Between("tickets that are good, of 60", "", 40, 40),
		curveball.AtMost("orders without an end", "", 0),
	},
	Control: curveball.With("a fresh key for each try", "PAYMENT_KEYS", "fresh"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		const event = "groups"
		if err := s.open(ctx, event, nil); err != nil {
			return err
		}
		groups, err := s.buy(ctx, event, 10, 6)
		if err != nil {
			return err
		}
		if open, err := s.ended(ctx, event, 15*time.Second); err != nil || open > 0 {
			return fmt.Errorf("%d orders have no end: %w", open, err)
		}
		t.Phase("ten groups have their tickets; the provider begins to leave requests unanswered")
		if err := s.behave(ctx, map[string]any{"timeoutRate": 0.9}); err != nil {
			return err
		}
		for _, g := range groups {
			two := []tickets.SeatID{g.hold.Seats[0].Seat, g.hold.Seats[1].Seat}
			if err := g.hold.by.do(ctx, http.MethodPost, "/api/orders/"+string(g.order)+"/refund", map[string]any{"seats": two}, nil); err != nil {
				return err
			}
		}
		if err := t.Wait(ctx, 7*time.Second); err != nil { // longer than a step may take
			return err
		}
		t.Phase("the provider answers again")
		if err := s.behave(ctx, map[string]any{"timeoutRate": 0}); err != nil {
			return err
		}
		open, err := s.ended(ctx, event, 25*time.Second)
		if err != nil {
			return err
		}
		bank, err := provider.Open(provider.Config{URL: "http://" + s.Addr("payments"), Key: s.secrets["PROVIDER_KEY"]})
		if err != nil {
			return err
		}
		defer bank.Close()
		var owed, given tickets.Cents
		for _, g := range groups {
			order, err := s.db.Orders().Order(ctx, g.order)
			if err != nil {
				return err
			}
			for _, line := range order.Lines {
				if line.Refunded || line.Returning {
					owed += line.Price
				}
			}
			payment, err := bank.Payment(ctx, order.Payment)
			if err != nil {
				return err
			}
			given += payment.Refunded
		}
		var good int
		if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM tickets WHERE event = $1 AND revoked IS NULL`, event).Scan(&good); err != nil {
			return fmt.Errorf("count the tickets: %w", err)
		}
		t.Figure("given back, of what ten pairs have paid", 100*float64(given)/float64(owed))
		t.Figure("tickets that are good, of 60", float64(good))
		t.Figure("orders without an end", float64(open))
		return nil
	},
}

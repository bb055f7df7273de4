package curveballs

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// LatePayment is money that comes when the hold is over.
var LatePayment = curveball.Experiment{
	Name:       "late-payment",
	Question:   "A bank takes its time: 20 payments are authorised after their holds have ended, and half of the seats have been bought by others meanwhile. Who gets what?",
	Hypothesis: "No seat is sold twice: ten get their seats after all, ten are let go without paying.",
	Answer: `The order of things decides: authorise, then sell the seats, then take the money. When the answer
comes late the seats are asked for again under a new hold and a higher token ([Steps](saga/steps.go)); if
they are free, the sale goes on as if nothing had been. If not, nothing was taken yet: the
authorisation is voided, and the fan is told why. Where the provider can only take money at
once it would be a refund, which the same machine can do. A longer hold makes this rarer and never
impossible, and keeps seats from others meanwhile.`,
	Expect: curveball.Bands{
		curveball.AtMost("seats that two have paid for", "", 0),
		curveball.Between("late payers with tickets, of 20", "", 10, 10),
		curveball.AtMost("orders on their way in the end", "", 0),
	},
	Control: curveball.With("a lock with a TTL alone", "CLAIMS", "setnx"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		// The shortest hold there is, and an answer of the bank's soon after it.
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"PAY_FOR": "1s", "LATE_AFTER": "16s"}})
		if err != nil {
			return err
		}
		const event = "late"
		if err := s.open(ctx, event, map[string]any{"holdFor": 10, "maxHold": 10}); err != nil {
			return err
		}
		late, err := s.a(ctx, "fan")
		if err != nil {
			return err
		}
		var orders []bought
		var ends time.Time
		for n := range 20 {
			if n%6 == 0 { // an account may have six
				if late, err = s.a(ctx, "fan"); err != nil {
					return err
				}
			}
			hold, err := late.hold(ctx, event, seat("circle", n))
			if err != nil {
				return err
			}
			order, err := hold.pay(ctx, "tok_late")
			if err != nil {
				return err
			}
			orders, ends = append(orders, bought{hold, order}), hold.Until
		}
		t.Phase("20 have ordered, and their bank thinks")
		if err := t.Wait(ctx, time.Until(ends)+200*time.Millisecond); err != nil {
			return err
		}
		var others errgroup.Group
		for n := range 10 {
			others.Go(func() error {
				fan, err := s.a(ctx, "fan")
				if err != nil {
					return err
				}
				hold, err := fan.hold(ctx, event, seat("circle", 2*n))
				if err != nil {
					return err
				}
				_, err = hold.pay(ctx, "tok_ok")
				return err
			})
		}
		if err := others.Wait(); err != nil {
			return err
		}
		t.Phase("their holds are over, and others have bought ten of the seats")
		open, err := s.ended(ctx, event, 20*time.Second)
		if err != nil {
			return err
		}
		with := 0
		for _, o := range orders {
			order, err := s.db.Orders().Order(ctx, o.order)
			if err != nil {
				return err
			}
			if order.State == tickets.Done {
				with++
			}
		}
		twice, err := s.twice(ctx, event)
		t.Figure("seats that two have paid for", float64(twice))
		t.Figure("late payers with tickets, of 20", float64(with))
		t.Figure("orders on their way in the end", float64(open))
		return err
	},
}

package curveballs

import (
	"context"
	"time"

	"designkits/cases/tickets/audit"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// Notices are webhooks that come twice and in any order.
var Notices = curveball.Experiment{
	Name:       "notices",
	Question:   "The payment provider sends every webhook twice, late and in any order. What becomes of the orders?",
	Hypothesis: "Nothing that shouldn't: every order goes its way once, and ends.",
	Answer: `"At least once, in any order" is what every provider promises, so an old "authorised" arrives after
the money was taken. A notice here decides nothing. It is kept by its id and by the payment's version
([Notice](adapters/postgres/saga.go)), and wakes the order; the step then acts on the latest version or asks the provider
itself. So losing all notices costs time, not orders. An inbox that sets the order to what the
notice says sends orders that were done back to the start.`,
	Expect: curveball.Bands{
		curveball.AtMost("impossible changes in the event log", "", 0),
		curveball.AtMost("orders without an end, of 20", "", 0),
	},
	Control: curveball.With("the order set to what each notice says", "NOTICES", "believed"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		const within = 3 * time.Second
		s, err := start(ctx, t, rig.Options{Env: map[string]string{
			"DUPLICATE_RATE": "1", "REORDER_RATE": "1", "REORDER_WITHIN": within.String(),
		}})
		if err != nil {
			return err
		}
		const event = "notices"
		if err := s.open(ctx, event, nil); err != nil {
			return err
		}
		if _, err := s.buy(ctx, event, 20, 2); err != nil {
			return err
		}
		if _, err := s.ended(ctx, event, 15*time.Second); err != nil {
			return err
		}
		t.Phase("the last notices and their repetitions are on their way")
		if err := t.Wait(ctx, 2*within+time.Second); err != nil { // held back, and again for the repetition
			return err
		}
		open, err := s.ended(ctx, event, 5*time.Second)
		if err != nil {
			return err
		}
		told, err := audit.ReadLog(ctx, s.db.Saga(), event)
		if err != nil {
			return err
		}
		faults := told.Faults()
		if len(faults) > 0 {
			t.Note("the event log: %s, and %d more", faults[0], len(faults)-1)
		}
		t.Figure("impossible changes in the event log", float64(len(faults)))
		t.Figure("orders without an end, of 20", float64(open))
		return nil
	},
}

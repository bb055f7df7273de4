package saga_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/saga"

	"pgregory.net/rapid"
)

// Whatever is lost, repeated, late, or done by two at once: in the end each seat
// is sold to one order at most, whoever has paid has tickets and whoever hasn't
// has none, and the bank has nothing of anybody else.
func TestEveryInterleavingEndsWell(t *testing.T) {
	db := open(t)
	rapid.Check(t, func(r *rapid.T) {
		ctx := t.Context()
		fates := rapid.SampledFrom([]fate{fine, fine, fine, lost, noReply, pending, decline})
		w, err := newWorld(ctx, db, func(call string) fate { return fates.Draw(r, call) })
		must(r, err)
		w.event.Prices["1"] = rapid.SampledFrom([]tickets.Cents{5000, 5000, 0}).Draw(r, "price")
		must(r, w.order(ctx, rapid.Bool().Draw(r, "late"), "a/A/1", "a/A/2"))
		must(r, w.order(ctx, rapid.Bool().Draw(r, "late"), "a/A/2", "a/A/3"))
		for range rapid.IntRange(5, 40).Draw(r, "events") {
			happen(ctx, r, w, rapid.SampledFrom(w.orders).Draw(r, "order"))
		}
		must(r, w.settle(ctx))
		must(r, w.audit(ctx))
	})
}

// happen lets something happen to an order.
func happen(ctx context.Context, r *rapid.T, w *world, id tickets.OrderID) {
	store := w.db.Saga()
	switch rapid.SampledFrom([]string{"step", "step", "step", "step", "crash", "slow", "late", "notice", "decide", "time", "refund", "tell", "order"}).Draw(r, "what") {
	case "step":
		if j, err := w.take(ctx, id); err == nil && !saga.Over(j.Order.State) {
			harmless(r, w.step(ctx, j))
		}
	case "crash": // the effect is had, and nothing written down
		if j, err := w.take(ctx, id); err == nil && !saga.Over(j.Order.State) {
			_, err := w.steps.Do(ctx, j)
			harmless(r, err)
		}
	case "slow": // a worker takes the order and does nothing yet
		if j, err := w.take(ctx, id); err == nil && !saga.Over(j.Order.State) {
			w.jobs = append(w.jobs, j)
		}
	case "late": // and now it does its step
		if len(w.jobs) > 0 {
			harmless(r, w.step(ctx, rapid.SampledFrom(w.jobs).Draw(r, "job")))
		}
	case "notice": // any, in any order, also twice
		if len(w.bank.notices) > 0 {
			must(r, store.Notice(ctx, rapid.SampledFrom(w.bank.notices).Draw(r, "notice")))
		}
	case "decide":
		w.bank.decide(id, rapid.SampledFrom([]payments.Status{payments.Authorised, payments.Declined}).Draw(r, "decision"))
	case "time":
		w.clock = w.clock.Add(40 * time.Second)
	case "refund":
		seats := rapid.SampledFrom([][]tickets.SeatID{nil, {"a/A/2"}, {"a/A/1"}}).Draw(r, "seats")
		key := rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(r, "key")
		_, err := w.db.Orders().Refund(ctx, tickets.Request{Account: "x", Key: string(id) + key}, id, seats)
		if err != nil && !tickets.Expected(err) {
			r.Fatal(err)
		}
	case "tell":
		must(r, w.tell(ctx))
	case "order":
		must(r, w.order(ctx, false, "a/A/2"))
	}
}

// harmless fails for an error that no fault explains.
func harmless(r *rapid.T, err error) {
	if err != nil && !errors.Is(err, errLost) && !errors.Is(err, saga.ErrOvertaken) {
		r.Fatal(err)
	}
}

func must(r *rapid.T, err error) {
	if err != nil {
		r.Fatal(err)
	}
}

// forgetful is a step that takes reserved money for let go.
type forgetful struct{ *bank }

func (f forgetful) Payment(ctx context.Context, id string) (payments.Payment, error) {
	p, err := f.bank.Payment(ctx, id)
	p.Status = payments.Voided
	return p, err
}

func TestTheAuditFindsMoneyThatWasForgotten(t *testing.T) {
	w, err := newWorld(t.Context(), open(t), func(string) fate { return fine })
	if err != nil {
		t.Fatal(err)
	}
	w.steps.Provider = forgetful{w.bank}
	for _, late := range []bool{true, false} { // the first loses its seat to the second
		for n := len(w.orders); len(w.orders) == n; {
			if err := w.order(t.Context(), late, "a/A/1"); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.orders[0], w.orders[1] = w.orders[1], w.orders[0]
	if err := w.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.audit(t.Context()); err == nil || !strings.Contains(err.Error(), "5000 of its fan are authorised still") {
		t.Errorf("the audit said %v", err)
	}
}

// What the provider says of a payment is held against the order: another's is no
// reason to sell it anything.
func TestAPaymentThatIsNotTheOrdersIsNotTakenForIt(t *testing.T) {
	w, err := newWorld(t.Context(), open(t), func(string) fate { return fine })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.order(t.Context(), false, "a/A/1"); err != nil {
		t.Fatal(err)
	}
	j, err := w.take(t.Context(), w.orders[0])
	if err != nil {
		t.Fatal(err)
	}
	good := payments.Payment{ID: "p", Order: j.Order.ID, Amount: j.Order.Total, Currency: j.Order.Currency, Status: payments.Authorised, Version: 1}
	for name, change := range map[string]func(*payments.Payment){
		"another order's":     func(p *payments.Payment) { p.Order = "another" },
		"of less":             func(p *payments.Payment) { p.Amount-- },
		"of another currency": func(p *payments.Payment) { p.Currency = "JPY" },
		"another's, declined": func(p *payments.Payment) { p.Order, p.Status = "another", payments.Declined },
	} {
		told := good
		change(&told)
		j.Told = &told
		if err := w.step(t.Context(), j); err == nil || !strings.Contains(err.Error(), "the provider's p is of "+string(told.Order)) {
			t.Errorf("%s: %v", name, err)
		}
		if o, err := w.db.Orders().Order(t.Context(), j.Order.ID); err != nil || o.State != tickets.Placed || o.Version != j.Order.Version || o.Payment != "" {
			t.Errorf("%s: the order is %+v, %v", name, o, err)
		}
	}
	j.Told = &good
	if err := w.step(t.Context(), j); err != nil {
		t.Errorf("its own: %v", err)
	}
	if len(w.bank.charges) > 0 {
		t.Error("it was charged besides")
	}
}

func TestAnOutcomeThatCantBe(t *testing.T) {
	for _, c := range []struct {
		state tickets.OrderState
		what  saga.What
	}{
		{tickets.Placed, saga.MoneyTaken},
		{tickets.Done, saga.PaymentAuthorised},
		{tickets.Cancelled, saga.SeatsFreed},
		{tickets.Ticketed, saga.TicketsIssued},
		{tickets.Authorised, "luck"},
	} {
		before := tickets.Order{ID: "o", State: c.state}
		if after, err := saga.Next(before, saga.Outcome{What: c.what}); err == nil || after.State != c.state {
			t.Errorf("%s, %s: %s, %v", c.state, c.what, after.State, err)
		}
	}
}

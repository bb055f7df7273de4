package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

// Steps have the effects of an order's way on the outside. Each may be repeated,
// also by two workers at once.
type Steps struct {
	Claims   tickets.Claims
	Provider payments.Provider
	// PayWithin is how long after the order's placing a payment may be pending.
	PayWithin time.Duration
	Now       func() time.Time
}

// holdAgainFor is how long seats are held for an order whose hold was over: long
// enough for the step that sells them.
const holdAgainFor = time.Minute

// Do does what the order's state asks for. After an error nobody knows what has
// happened, and it has to be done again.
func (s Steps) Do(ctx context.Context, j Job) (Outcome, error) {
	switch o := j.Order; o.State {
	case tickets.Placed:
		return s.authorise(ctx, o, j.Told)
	case tickets.Authorised:
		return s.sell(ctx, o)
	case tickets.Confirmed:
		return s.capture(ctx, o)
	case tickets.Captured:
		return Outcome{What: TicketsIssued}, nil // they are written together with the state
	case tickets.Voiding:
		return s.void(ctx, o)
	case tickets.Refunding:
		return s.refund(ctx, o)
	case tickets.Releasing:
		return s.free(ctx, o)
	default:
		return Outcome{}, fmt.Errorf("order %s is %s: there is nothing to do", o.ID, o.State)
	}
}

// authorise asks for the payment, or where it stands. A free order needs none.
func (s Steps) authorise(ctx context.Context, o tickets.Order, told *payments.Payment) (Outcome, error) {
	if o.Total == 0 {
		return Outcome{What: PaymentAuthorised}, nil
	}
	var p payments.Payment
	var err error
	switch {
	case told != nil && told.Status != payments.Pending:
		p = *told
	case o.Payment != "":
		p, err = s.Provider.Payment(ctx, o.Payment)
	default:
		p, err = s.Provider.Authorise(ctx, key(o, "authorise"), payments.Charge{Order: o.ID, Amount: o.Total, Currency: o.Currency, Source: o.Source})
	}
	if refused, ok := errors.AsType[*tickets.Invalid](err); ok { // and always will be: a source that isn't one
		return Outcome{What: PaymentDeclined, Reason: "the payment was refused: " + refused.Error()}, nil
	}
	switch {
	case err != nil:
		return Outcome{}, fmt.Errorf("authorise the payment of %s: %w", o.ID, err)
	case p.Order != o.ID || p.Amount != o.Total || p.Currency != o.Currency:
		return Outcome{}, fmt.Errorf("authorise the payment of %s: the provider's %s is of %s over %d %s", o.ID, p.ID, p.Order, p.Amount, p.Currency)
	case p.Status == payments.Declined || p.Status == payments.Voided:
		return Outcome{What: PaymentDeclined, Payment: p.ID, Reason: reason("the payment was declined", p)}, nil
	case p.Status != payments.Pending:
		return Outcome{What: PaymentAuthorised, Payment: p.ID}, nil
	case s.Now().After(o.Placed.Add(s.PayWithin)):
		return Outcome{What: PaymentOverdue, Payment: p.ID, Reason: "the payment wasn't decided in time"}, nil
	case o.Payment == "":
		return Outcome{What: PaymentBegun, Payment: p.ID}, nil
	}
	return Outcome{What: Wait}, nil
}

// sell sells the seats to the order. Where its hold is over, as when the payment
// came late, it holds the same seats again; they are sold in the next step, once
// that hold is written down.
func (s Steps) sell(ctx context.Context, o tickets.Order) (Outcome, error) {
	lost := Outcome{What: SeatsLost, Reason: "the payment came after the hold was over, and somebody else has the seats"}
	again := tickets.HoldID("again-" + string(o.ID))
	err := s.Claims.Confirm(ctx, o.Grant, o.ID)
	if _, taken := errors.AsType[*tickets.Taken](err); taken {
		if o.Grant.Hold == again {
			return lost, nil
		}
		err = tickets.ErrGone // of a seat that is free by now, perhaps
	}
	if !errors.Is(err, tickets.ErrGone) {
		return Outcome{What: SeatsSold}, wrap(err, "sell the seats of", o)
	}
	claim := o.Grant.Claim
	claim.Hold, claim.For = again, holdAgainFor
	grant, err := s.Claims.Hold(ctx, claim)
	if _, taken := errors.AsType[*tickets.Taken](err); taken {
		return lost, nil
	}
	return Outcome{What: SeatsHeldAgain, Grant: grant}, wrap(err, "hold the seats again of", o)
}

func (s Steps) capture(ctx context.Context, o tickets.Order) (Outcome, error) {
	if o.Payment == "" { // a free order
		return Outcome{What: MoneyTaken}, nil
	}
	p, err := s.Provider.Capture(ctx, key(o, "capture"), o.Payment)
	if errors.Is(err, payments.ErrConflict) {
		p, err = s.Provider.Payment(ctx, o.Payment)
	}
	switch {
	case err != nil:
		return Outcome{}, wrap(err, "capture the payment of", o)
	case p.Status == payments.Captured:
		return Outcome{What: MoneyTaken}, nil
	case p.Status == payments.Pending || p.Status == payments.Authorised:
		return Outcome{What: Wait}, nil
	}
	return Outcome{What: MoneyLost, Reason: reason("the reserved money couldn't be taken", p)}, nil
}

// void lets go of what is authorised. A payment that is pending still may have
// to be asked for until it isn't: nothing is forgotten before the provider has
// said that it won't take the money.
func (s Steps) void(ctx context.Context, o tickets.Order) (Outcome, error) {
	if o.Payment == "" {
		return Outcome{What: MoneyLetGo}, nil
	}
	p, err := s.Provider.Payment(ctx, o.Payment)
	if err == nil && (p.Status == payments.Authorised || p.Status == payments.Pending) {
		// The key has the version, since the answer to a key stays the same.
		was := p
		p, err = s.Provider.Void(ctx, key(o, fmt.Sprint("void:", p.Version)), o.Payment)
		if errors.Is(err, payments.ErrConflict) {
			p, err = was, nil
		}
	}
	switch {
	case err != nil:
		return Outcome{}, wrap(err, "void the payment of", o)
	case p.Status == payments.Voided || p.Status == payments.Declined:
		return Outcome{What: MoneyLetGo}, nil
	case p.Status == payments.Captured || p.Status == payments.Refunded:
		return Outcome{What: MoneyFoundTaken}, nil
	}
	return Outcome{What: Wait}, nil
}

// refund gives back the price of the lines that are returning, or everything
// where none is.
func (s Steps) refund(ctx context.Context, o tickets.Order) (Outcome, error) {
	seats, amount := Returning(o)
	if len(seats) == 0 {
		amount = o.Total
	}
	if amount == 0 {
		return Outcome{What: MoneyGivenBack}, nil
	}
	lines, before := 0, tickets.Cents(0)
	for _, line := range o.Lines {
		if line.Refunded {
			lines++
			before += line.Price
		}
	}
	p, err := s.Provider.Refund(ctx, key(o, fmt.Sprint("refund:", lines)), o.Payment, amount)
	if errors.Is(err, payments.ErrConflict) {
		p, err = s.Provider.Payment(ctx, o.Payment)
	}
	switch {
	case err != nil:
		return Outcome{}, wrap(err, "refund", o)
	case p.Refunded < before+amount:
		return Outcome{}, fmt.Errorf("refund %s: the provider has given back %d of %d: ask it why", o.ID, p.Refunded, before+amount)
	}
	return Outcome{What: MoneyGivenBack}, nil
}

// free frees the seats that are returning, or everything that the order has.
func (s Steps) free(ctx context.Context, o tickets.Order) (Outcome, error) {
	seats, _ := Returning(o)
	if len(seats) == 0 {
		// The hold first: then no worker that is late can sell its seats.
		if err := s.Claims.Release(ctx, o.Grant); err != nil {
			return Outcome{}, wrap(err, "release the seats of", o)
		}
	}
	return Outcome{What: SeatsFreed}, wrap(s.Claims.Refund(ctx, o.Grant.Event, o.ID, seats), "free the seats of", o)
}

// key names what is asked of the provider, for its repetitions.
func key(o tickets.Order, step string) string { return string(o.ID) + ":" + step }

func reason(what string, p payments.Payment) string {
	if p.Reason == "" {
		return what
	}
	return what + ": " + p.Reason
}

func wrap(err error, what string, o tickets.Order) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, o.ID, err)
}

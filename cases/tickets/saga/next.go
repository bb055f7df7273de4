package saga

import (
	"fmt"

	"designkits/cases/tickets"
)

// What came of a step.
type What string

// What can come of a step, by the state in which it can.
const (
	Wait What = "wait" // in any state: nothing is known yet, or nothing has changed

	PaymentBegun      What = "payment begun" // the provider has a name for it and no answer yet
	PaymentAuthorised What = "payment authorised"
	PaymentDeclined   What = "payment declined"
	PaymentOverdue    What = "payment overdue" // no answer within the time

	SeatsHeldAgain What = "seats held again" // the hold was over, and they were free
	SeatsSold      What = "seats sold"
	SeatsLost      What = "seats lost" // somebody else has one of them

	MoneyTaken What = "money taken"
	MoneyLost  What = "money lost" // the authorisation is worth nothing any more

	TicketsIssued What = "tickets issued"

	MoneyLetGo      What = "money let go"
	MoneyFoundTaken What = "money found taken" // where it should have been let go
	MoneyGivenBack  What = "money given back"

	SeatsFreed What = "seats freed"
)

// An Outcome is what came of a step, with what is known since.
type Outcome struct {
	What    What
	Payment string        // the provider's name, of payment begun, authorised, overdue
	Grant   tickets.Grant // of seats held again
	Reason  string        // for the fan, where it goes wrong
}

// leads says to which state an outcome leads, and from which.
var leads = map[What]struct{ from, to tickets.OrderState }{
	PaymentBegun:      {tickets.Placed, tickets.Placed},
	PaymentAuthorised: {tickets.Placed, tickets.Authorised},
	PaymentDeclined:   {tickets.Placed, tickets.Releasing},
	PaymentOverdue:    {tickets.Placed, tickets.Voiding},
	SeatsHeldAgain:    {tickets.Authorised, tickets.Authorised},
	SeatsSold:         {tickets.Authorised, tickets.Confirmed},
	SeatsLost:         {tickets.Authorised, tickets.Voiding},
	MoneyTaken:        {tickets.Confirmed, tickets.Captured},
	MoneyLost:         {tickets.Confirmed, tickets.Voiding},
	TicketsIssued:     {tickets.Captured, tickets.Ticketed},
	MoneyLetGo:        {tickets.Voiding, tickets.Releasing},
	MoneyFoundTaken:   {tickets.Voiding, tickets.Refunding},
	MoneyGivenBack:    {tickets.Refunding, tickets.Releasing},
	SeatsFreed:        {tickets.Releasing, ""}, // see freed
}

// Next returns what an order is after an outcome, and an error when the outcome
// can't be in the order's state. The order that is given stays as it is.
func Next(o tickets.Order, out Outcome) (tickets.Order, error) {
	if out.What == Wait {
		return o, nil
	}
	way, ok := leads[out.What]
	if !ok || way.from != o.State {
		return o, fmt.Errorf("order %s is %s, in which %q can't be", o.ID, o.State, out.What)
	}
	if out.What == SeatsFreed {
		o.Lines, way.to = freed(o.Lines)
	}
	if way.from != way.to {
		if err := o.State.To(way.to); err != nil {
			return o, err
		}
	}
	o.State = way.to
	if out.Payment != "" {
		o.Payment = out.Payment
	}
	if out.What == SeatsHeldAgain {
		o.Grant = out.Grant
	}
	if out.Reason != "" {
		o.Reason = out.Reason
	}
	return o, nil
}

// freed are the lines once those that were returning are refunded, and the state
// of their order: an order of which nothing was returning never had tickets.
func freed(lines []tickets.Line) ([]tickets.Line, tickets.OrderState) {
	after, to := make([]tickets.Line, len(lines)), tickets.Cancelled
	left := 0
	for i, line := range lines {
		if line.Returning {
			line.Returning, line.Refunded, to = false, true, tickets.Refunded
		}
		if !line.Refunded {
			left++
		}
		after[i] = line
	}
	if to == tickets.Refunded && left > 0 {
		to = tickets.Done
	}
	return after, to
}

// Returning are the seats that are being given back, and their price.
func Returning(o tickets.Order) (seats []tickets.SeatID, amount tickets.Cents) {
	for _, line := range o.Lines {
		if line.Returning {
			seats = append(seats, line.Seat)
			amount += line.Price
		}
	}
	return seats, amount
}

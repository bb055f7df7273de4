package tickets

import (
	"fmt"
	"slices"
	"time"
)

// An Order is a purchase on its way: the seats of one grant, and where the
// payment stands. What happens to it is a saga (package saga): every step is
// written down before the next begins, so that any process can go on with it.
type Order struct {
	ID       OrderID
	Grant    Grant // whose seats; after a hold that ended too early, the second one
	Lines    []Line
	Voucher  string
	Total    Cents
	Currency string
	Source   string // what the fan pays with: a token of the payment provider, never a card number
	Payment  string // the provider's name for the payment, once there is one
	State    OrderState
	Reason   string // why it ended without tickets
	Version  int64  // counts its changes
	Placed   time.Time
}

// A Line is one seat of an order.
type Line struct {
	Seat  SeatID
	Tier  string
	Price Cents
	// Returning says that it is being given back, Refunded that it was.
	Returning bool
	Refunded  bool
}

// An OrderState is where an order stands.
type OrderState string

// The states of an order: down the first six when all goes well, else one of
// the three that undo, to one of the two that end without tickets.
const (
	Placed     OrderState = "placed"     // written down; its payment isn't authorised
	Authorised OrderState = "authorised" // the money is reserved
	Confirmed  OrderState = "confirmed"  // the seats are sold to it
	Captured   OrderState = "captured"   // the money is taken
	Ticketed   OrderState = "ticketed"   // its tickets exist
	Done       OrderState = "done"       // and its fan has been told

	Voiding   OrderState = "voiding"   // reserved money has to be let go
	Refunding OrderState = "refunding" // taken money has to be given back
	Releasing OrderState = "releasing" // seats have to be freed

	Cancelled OrderState = "cancelled" // nothing was taken, or all was given back before there were tickets
	Refunded  OrderState = "refunded"  // there were tickets; they are worth nothing now
)

// orderMoves are the ways from state to state. There are no others.
var orderMoves = map[OrderState][]OrderState{
	Placed:     {Authorised, Releasing, Voiding}, // voiding when nobody knows what became of the payment
	Authorised: {Confirmed, Voiding},
	Confirmed:  {Captured, Voiding}, // voiding when the reservation was lost
	Captured:   {Ticketed},
	Ticketed:   {Done, Refunding},
	Done:       {Refunding},
	Voiding:    {Releasing, Refunding}, // refunding when it was taken after all
	Refunding:  {Releasing},
	Releasing:  {Cancelled, Refunded, Done}, // done where other lines remain
}

// OrderStates returns every state, in the order in which an order meets them.
func OrderStates() []OrderState {
	return []OrderState{Placed, Authorised, Confirmed, Captured, Ticketed, Done, Voiding, Refunding, Releasing, Cancelled, Refunded}
}

// Ended reports whether nothing more happens to the order by itself.
func (s OrderState) Ended() bool { return s == Done || s == Cancelled || s == Refunded }

// To returns nil if an order may go from s to next, else an *IllegalMove.
func (s OrderState) To(next OrderState) error {
	for _, to := range orderMoves[s] {
		if to == next {
			return nil
		}
	}
	return &IllegalMove{From: s, To: next}
}

// An IllegalMove is a change of an order that can't be. Nothing has changed.
type IllegalMove struct{ From, To OrderState }

func (e *IllegalMove) Error() string {
	return fmt.Sprintf("an order that is %s can't become %s", e.From, e.To)
}

// NewOrder prices the seats of a grant. tier tells a seat's price tier; without
// a voucher, voucher is nil.
func NewOrder(id OrderID, e Event, g Grant, tier func(SeatID) string, voucher *Voucher, source string, now time.Time) (Order, error) {
	o := Order{ID: id, Grant: g, Currency: e.Currency, Source: source, State: Placed, Placed: now}
	for _, seat := range g.Seats {
		t := tier(seat)
		price, ok := e.Prices[t]
		if !ok {
			return Order{}, &Invalid{"seats", fmt.Sprintf("seat %q has no price", seat)}
		}
		if voucher != nil {
			price = voucher.Off(price)
		}
		o.Lines = append(o.Lines, Line{Seat: seat, Tier: t, Price: price})
		o.Total += price
	}
	if voucher != nil {
		o.Voucher = voucher.Code
	}
	return o, nil
}

// Return returns the order as it is once these seats are being given back, all
// that it has where none is named: an *IllegalMove where that can't be, *Invalid
// when one isn't the order's or was given back before. The order stays as it is.
func (o Order) Return(seats []SeatID) (Order, error) {
	if o.State != Ticketed && o.State != Done {
		return o, &IllegalMove{From: o.State, To: Refunding}
	}
	wanted := make(map[SeatID]bool, len(seats))
	for _, seat := range seats {
		wanted[seat] = true
	}
	lines := slices.Clone(o.Lines)
	for i, line := range lines {
		if wanted[line.Seat] || len(seats) == 0 {
			if line.Refunded && wanted[line.Seat] {
				return o, &Invalid{"seats", fmt.Sprintf("seat %q was given back before", line.Seat)}
			}
			lines[i].Returning = !line.Refunded
			delete(wanted, line.Seat)
		}
	}
	for seat := range wanted {
		return o, &Invalid{"seats", fmt.Sprintf("seat %q isn't the order's", seat)}
	}
	o.Lines, o.State = lines, Refunding
	return o, nil
}

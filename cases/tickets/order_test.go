package tickets_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"designkits/cases/tickets"
)

// Every order that is under way can get to an end, and from an end without
// tickets there is no way.
func TestEveryOrderCanEnd(t *testing.T) {
	ends := map[tickets.OrderState]bool{tickets.Done: true, tickets.Cancelled: true, tickets.Refunded: true}
	for range tickets.OrderStates() { // as often as the longest way may be
		for _, from := range tickets.OrderStates() {
			for to := range ends {
				if from.To(to) == nil {
					ends[from] = true
					break
				}
			}
		}
	}
	for _, s := range tickets.OrderStates() {
		if !ends[s] {
			t.Errorf("an order that is %s never ends", s)
		}
		for _, end := range []tickets.OrderState{tickets.Cancelled, tickets.Refunded} {
			var illegal *tickets.IllegalMove
			if err := end.To(s); !errors.As(err, &illegal) {
				t.Errorf("from %s to %s: %v", end, s, err)
			}
		}
	}
}

func TestAnOrderIsPricedByItsTiersAndItsVoucher(t *testing.T) {
	event := tickets.Event{ID: "show", Currency: "EUR", Prices: map[string]tickets.Cents{"1": 9999, "2": 5000}}
	tier := func(s tickets.SeatID) string { return map[tickets.SeatID]string{"a/A/1": "1", "a/B/1": "2"}[s] }
	g := tickets.Grant{Claim: tickets.Claim{Event: "show", Seats: []tickets.SeatID{"a/A/1", "a/B/1"}}}
	half := &tickets.Voucher{Code: "half", Percent: 50}
	o, err := tickets.NewOrder("o", event, g, tier, half, "tok", time.Now())
	if err != nil || o.Total != 4999+2500 || o.Lines[0].Price != 4999 || o.Voucher != "half" || o.State != tickets.Placed {
		t.Errorf("%+v, %v", o, err)
	}
	g.Seats = append(g.Seats, "nowhere/A/1")
	var invalid *tickets.Invalid
	if _, err := tickets.NewOrder("o", event, g, tier, nil, "tok", time.Now()); !errors.As(err, &invalid) {
		t.Errorf("a seat without a price: %v", err)
	}
}

func TestWhatCanBeGivenBack(t *testing.T) {
	o := tickets.Order{State: tickets.Done, Lines: []tickets.Line{{Seat: "1"}, {Seat: "2", Refunded: true}, {Seat: "3"}}}
	returning := func(o tickets.Order) (seats []tickets.SeatID) {
		for _, line := range o.Lines {
			if line.Returning {
				seats = append(seats, line.Seat)
			}
		}
		return seats
	}
	for _, c := range []struct{ asked, want []tickets.SeatID }{
		{nil, []tickets.SeatID{"1", "3"}},
		{[]tickets.SeatID{"3"}, []tickets.SeatID{"3"}},
		{[]tickets.SeatID{"2"}, nil},
		{[]tickets.SeatID{"1", "4"}, nil},
	} {
		after, err := o.Return(c.asked)
		var invalid *tickets.Invalid
		if !slices.Equal(returning(after), c.want) || (err == nil) != (c.want != nil) || err != nil && !errors.As(err, &invalid) {
			t.Errorf("%v: %v, %v, want %v", c.asked, returning(after), err, c.want)
		}
	}
	if len(returning(o)) > 0 {
		t.Error("the order that was asked has changed")
	}
	o.State = tickets.Captured
	var illegal *tickets.IllegalMove
	if _, err := o.Return(nil); !errors.As(err, &illegal) {
		t.Errorf("an order without tickets: %v", err)
	}
}

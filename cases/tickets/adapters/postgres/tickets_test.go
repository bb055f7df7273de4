package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/saga"
)

func TestATicketLetsOnePersonIn(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	o := ticketed(t, db, "h", "a/A/1", "a/A/2")
	all, err := db.Tickets().OfOrder(ctx, o.ID)
	if err != nil || len(all) != 2 || all[0].Seat != "a/A/1" || all[0].Serial == all[1].Serial {
		t.Fatalf("%+v, %v", all, err)
	}
	serial := all[0].Serial
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := map[string]int{}
	for i := range 12 { // six doors, each scanning twice
		scan := fmt.Sprint("scan", i/2)
		wg.Go(func() {
			_, err := db.Tickets().CheckIn(ctx, serial, "north", scan)
			var used *tickets.Used
			switch {
			case err == nil:
				mu.Lock()
				in[scan]++
				mu.Unlock()
			case !errors.As(err, &used) || used.Door != "north" || used.At.IsZero():
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(in) != 1 {
		t.Errorf("let in by %v", in)
	}
	for _, n := range in {
		if n != 2 {
			t.Errorf("the scan that let in was answered well %d times of 2", n)
		}
	}
	if _, err := db.Tickets().CheckIn(ctx, "none", "north", "s"); !errors.Is(err, tickets.ErrUnknown) {
		t.Errorf("a ticket that isn't there: %v", err)
	}
	if got, err := db.Tickets().Ticket(ctx, serial); err != nil || got.CheckedIn.IsZero() || got.Account != "ann" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSomeSeatsOfAnOrderAreGivenBack(t *testing.T) {
	db := open(t)
	ctx, orders := t.Context(), db.Orders()
	o := ticketed(t, db, "h", "a/A/1", "a/A/2", "a/A/3")
	all, err := db.Tickets().OfOrder(ctx, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Tickets().CheckIn(ctx, all[2].Serial, "north", "s"); err != nil {
		t.Fatal(err)
	}
	var invalid *tickets.Invalid
	for _, seats := range [][]tickets.SeatID{{"a/A/9"}, {"a/A/3"}, {"a/A/1", "a/A/3"}, nil} {
		if _, err := orders.Refund(ctx, request("ann", fmt.Sprint("no", seats), ""), o.ID, seats); !errors.As(err, &invalid) {
			t.Errorf("refund of %v: %v", seats, err)
		}
	}
	if same, err := orders.Order(ctx, o.ID); err != nil || same.Version != o.Version {
		t.Fatalf("what was refused has changed the order: %+v, %v", same, err)
	}

	for range 2 { // the request comes twice
		back, err := orders.Refund(ctx, request("ann", "r", "seat 1"), o.ID, []tickets.SeatID{"a/A/1"})
		if err != nil || back.State != tickets.Refunding || !back.Lines[0].Returning || back.Lines[1].Returning {
			t.Fatalf("%+v, %v", back, err)
		}
	}
	if _, err := orders.Refund(ctx, request("ann", "r", "seat 2"), o.ID, []tickets.SeatID{"a/A/2"}); !errors.Is(err, tickets.ErrKeyReused) {
		t.Errorf("the key for another request: %v", err)
	}
	var illegal *tickets.IllegalMove
	if _, err := orders.Refund(ctx, request("ann", "r2", ""), o.ID, []tickets.SeatID{"a/A/2"}); !errors.As(err, &illegal) {
		t.Errorf("while another refund is under way: %v", err)
	}
	if _, err := db.Tickets().CheckIn(ctx, all[0].Serial, "north", "s"); !errors.Is(err, tickets.ErrRevoked) {
		t.Errorf("a ticket that was given back: %v", err)
	}
	half, err := orders.Order(ctx, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	done := moved(t, db, half, saga.MoneyGivenBack, saga.SeatsFreed)
	if done.State != tickets.Done || !done.Lines[0].Refunded {
		t.Errorf("%+v", done)
	}
	if read, err := orders.Order(ctx, o.ID); err != nil || fmt.Sprint(read) != fmt.Sprint(done) {
		t.Errorf("read  %+v\nwrote %+v, %v", read, done, err)
	}
	figures, err := orders.Figures(ctx, "show")
	if want := (tickets.Figures{Orders: 1, Sold: 2, Refunded: 1, Revenue: 10000, Refunds: 5000, LastMinute: 3}); err != nil || figures != want {
		t.Errorf("%+v, %v, want %+v", figures, err, want)
	}
	if _, err := orders.Refund(ctx, request("ann", "r3", ""), o.ID, []tickets.SeatID{"a/A/1"}); !errors.As(err, &invalid) {
		t.Errorf("a seat that was given back before: %v", err)
	}
	if _, err := orders.Refund(ctx, request("ann", "r4", ""), placed(t, db, "other", "a/B/1").ID, nil); !errors.As(err, &illegal) {
		t.Errorf("an order without tickets: %v", err)
	}
}

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/saga"
)

// placed places an order and returns it.
func placed(t *testing.T, db *postgres.DB, hold string, seats ...tickets.SeatID) tickets.Order {
	t.Helper()
	o, err := db.Orders().Place(t.Context(), request("ann", hold, ""), order(t, hold, "ann", seats...), upTo(50))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// moved takes an order through outcomes, without their effects.
func moved(t *testing.T, db *postgres.DB, o tickets.Order, outcomes ...saga.What) tickets.Order {
	t.Helper()
	for _, what := range outcomes {
		j, err := db.Saga().Take(t.Context(), o.ID, o.Version, 0)
		if err != nil {
			t.Fatal(err)
		}
		next, err := saga.Next(j.Order, saga.Outcome{What: what})
		if err != nil {
			t.Fatal(err)
		}
		if j, err = db.Saga().Write(t.Context(), j, next, 0, 0); err != nil {
			t.Fatal(err)
		}
		o = j.Order
	}
	return o
}

// ticketed is an order that has its tickets.
func ticketed(t *testing.T, db *postgres.DB, hold string, seats ...tickets.SeatID) tickets.Order {
	t.Helper()
	o := placed(t, db, hold, seats...)
	if err := db.Sales().Sell(t.Context(), o.Grant, o.ID); err != nil {
		t.Fatal(err)
	}
	return moved(t, db, o, saga.PaymentAuthorised, saga.SeatsSold, saga.MoneyTaken, saga.TicketsIssued)
}

func TestAnOrderIsLeasedToOneWorker(t *testing.T) {
	db := open(t)
	const orders = 40
	for i := range orders {
		placed(t, db, fmt.Sprint("h", i), tickets.SeatID(fmt.Sprint("a/A/", i)))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	leased := map[tickets.OrderID]int{}
	for range 8 {
		wg.Go(func() {
			for {
				jobs, err := db.Saga().Lease(t.Context(), 3, time.Minute)
				if err != nil {
					t.Error(err)
				}
				if len(jobs) == 0 {
					return
				}
				mu.Lock()
				for _, j := range jobs {
					leased[j.Order.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(leased) != orders {
		t.Errorf("%d orders of %d were leased", len(leased), orders)
	}
	for id, n := range leased {
		if n != 1 {
			t.Errorf("%s was leased %d times", id, n)
		}
	}
}

func TestAWorkerWhoseLeaseIsOverWritesNothing(t *testing.T) {
	db := open(t)
	store, ctx := db.Saga(), t.Context()
	o := placed(t, db, "h", "a/A/1")
	late, err := store.Take(ctx, o.ID, o.Version, 0) // which is over at once
	if err != nil {
		t.Fatal(err)
	}
	now, err := store.Take(ctx, o.ID, o.Version, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if now.Lease <= late.Lease {
		t.Errorf("lease %d after %d", now.Lease, late.Lease)
	}
	if _, err := store.Take(ctx, o.ID, o.Version, time.Minute); !errors.Is(err, saga.ErrOvertaken) {
		t.Errorf("taken from who has it: %v", err)
	}
	next, err := saga.Next(o, saga.Outcome{What: saga.PaymentAuthorised, Payment: "p"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Write(ctx, late, next, 0, 0); !errors.Is(err, saga.ErrOvertaken) {
		t.Errorf("written too late: %v", err)
	}
	if err := store.Postpone(ctx, late, 0, ""); !errors.Is(err, saga.ErrOvertaken) {
		t.Errorf("postponed too late: %v", err)
	}
	if _, err := store.Write(ctx, now, next, 0, 0); err != nil {
		t.Error(err)
	}
	if _, err := store.Write(ctx, now, next, 0, 0); !errors.Is(err, saga.ErrOvertaken) {
		t.Errorf("written twice: %v", err)
	}
}

// A notice that comes while a worker has the order isn't lost: the order is due
// as soon as the worker gives it up.
func TestANoticeWakesAnOrder(t *testing.T) {
	db := open(t)
	store, ctx := db.Saga(), t.Context()
	o := placed(t, db, "h", "a/A/1")
	j, err := store.Take(ctx, o.ID, o.Version, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	notice := func(version int64, status payments.Status) {
		t.Helper()
		for range 2 { // it comes twice
			n := payments.Notice{ID: fmt.Sprint("n", version), Payment: payments.Payment{ID: "p", Order: o.ID, Version: version, Status: status}}
			if err := store.Notice(ctx, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	notice(2, payments.Authorised)
	notice(1, payments.Pending) // overtaken on its way
	if err := store.Postpone(ctx, j, time.Hour, "pending"); err != nil {
		t.Fatal(err)
	}
	woken, err := store.Lease(ctx, 10, 0)
	if err != nil || len(woken) != 1 {
		t.Fatalf("%d orders are due, %v", len(woken), err)
	}
	j = woken[0]
	if j.Told == nil || j.Told.Status != payments.Authorised || j.Woken != 1 || j.Tries != 1 {
		t.Errorf("told %+v, woken %d times, tried %d times", j.Told, j.Woken, j.Tries)
	}
	if err := store.Postpone(ctx, j, time.Hour, ""); err != nil {
		t.Fatal(err)
	}
	if none, err := store.Lease(ctx, 10, 0); err != nil || len(none) != 0 {
		t.Errorf("%d orders are due though nothing is new, %v", len(none), err)
	}
}

// collected is a saga.Log that keeps what it is given, and may refuse it.
type collected struct {
	events []saga.Event
	err    error
	during func()
}

func (c *collected) Append(_ context.Context, events []saga.Event) error {
	c.events = append(c.events, events...)
	if c.during != nil {
		c.during()
	}
	return c.err
}

func (c *collected) Follow(context.Context, string, func(context.Context, saga.Event) error) error {
	return errors.ErrUnsupported
}

func TestTheOutboxIsSentInOrderByOne(t *testing.T) {
	db := open(t)
	store, ctx := db.Saga(), t.Context()
	o := ticketed(t, db, "h", "a/A/1", "a/A/2")
	refusing := &collected{err: errors.New("full")}
	if _, err := store.Send(ctx, 10, refusing); err == nil {
		t.Error("a log that refused was believed")
	}
	log, other := &collected{}, &collected{}
	log.during = func() { // another sender comes in the middle
		if n, err := store.Send(ctx, 10, other); n != 0 || err != nil {
			t.Errorf("two sent at a time: %d, %v", n, err)
		}
	}
	for _, want := range []int{3, 2, 0} {
		if n, err := store.Send(ctx, 3, log); err != nil || n != want {
			t.Errorf("sent %d, %v, want %d", n, err, want)
		}
	}
	var states []tickets.OrderState
	for i, e := range log.events {
		states = append(states, e.State)
		if e.Version != int64(i+1) || e.Order != o.ID || len(e.Seats) != 2 || e.At.IsZero() || i > 0 && e.ID <= log.events[i-1].ID {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	want := []tickets.OrderState{tickets.Placed, tickets.Authorised, tickets.Confirmed, tickets.Captured, tickets.Ticketed}
	if !slices.Equal(states, want) {
		t.Errorf("%v, want %v", states, want)
	}
	if n, err := store.Unsent(ctx); n != 0 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
}

func TestAFanIsToldOnceAndTheOrderIsDone(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	o := ticketed(t, db, "h", "a/A/1")
	for range 2 {
		if err := db.Saga().Tell(ctx, saga.EventOf(o), tickets.Message{Order: o.ID, Subject: "Your tickets", Text: "are here"}); err != nil {
			t.Fatal(err)
		}
	}
	if told, err := db.Messages().OfAccount(ctx, "ann"); err != nil || len(told) != 1 || told[0].Subject != "Your tickets" || told[0].Order != o.ID {
		t.Errorf("%+v, %v", told, err)
	}
	if now, err := db.Orders().Order(ctx, o.ID); err != nil || now.State != tickets.Done || now.Version != o.Version+1 {
		t.Errorf("%s, version %d, %v", now.State, now.Version, err)
	}
}

func TestACancelledOrderGivesItsVoucherBack(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	if err := db.Events().PutVoucher(ctx, tickets.Voucher{Code: "one", Event: "show", Percent: 10, Uses: 1, Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	use := func(hold string) (tickets.Order, error) {
		o := order(t, hold, "ann", tickets.SeatID("a/A/"+hold))
		o.Voucher = "one"
		return db.Orders().Place(ctx, request("ann", hold, ""), o, upTo(10))
	}
	first, err := use("1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := use("2"); err == nil {
		t.Fatal("used twice")
	}
	if end := moved(t, db, first, saga.PaymentDeclined, saga.SeatsFreed); end.State != tickets.Cancelled {
		t.Errorf("it ended %s", end.State)
	}
	if _, err := use("3"); err != nil {
		t.Errorf("after the first order was cancelled: %v", err)
	}
}

func TestASaleToAnOrderThatIsOverIsFound(t *testing.T) {
	db := open(t)
	ctx := t.Context()
	ticketed(t, db, "fine", "a/A/1")
	o := moved(t, db, placed(t, db, "over", "a/A/2"), saga.PaymentDeclined, saga.SeatsFreed)
	if err := db.Sales().Sell(ctx, o.Grant, o.ID); err != nil {
		t.Fatal(err)
	}
	strays, err := db.Saga().Strays(ctx)
	if err != nil || len(strays) != 1 || strays[0].Order != o.ID || !slices.Equal(strays[0].Seats, []tickets.SeatID{"a/A/2"}) {
		t.Errorf("%+v, %v", strays, err)
	}
	if err := db.Saga().Forget(ctx); err != nil {
		t.Error(err)
	}
}

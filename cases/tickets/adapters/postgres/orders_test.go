package postgres_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets"
)

// a request with a key and what was asked.
func request(account tickets.Account, key, asked string) tickets.Request {
	return tickets.Request{Account: account, Key: key, Hash: sha256.Sum256([]byte(asked))}
}

var show = tickets.Event{
	ID: "show", Name: "A show", Venue: "theatre", Starts: time.Date(2031, 5, 1, 20, 0, 0, 0, time.UTC), OnSale: time.Date(2031, 1, 1, 9, 0, 0, 0, time.UTC),
	Currency: "EUR", Prices: map[string]tickets.Cents{"1": 5000}, PerAccount: 4, HoldFor: time.Minute, MaxHold: 5 * time.Minute,
}

// upTo is the show with another limit of an account.
func upTo(perAccount int) tickets.Event {
	e := show
	e.PerAccount = perAccount
	return e
}

// order of an account for seats of the show, by a hold of that name.
func order(t *testing.T, hold string, account tickets.Account, seats ...tickets.SeatID) tickets.Order {
	t.Helper()
	g := tickets.Grant{
		Claim: tickets.Claim{Hold: tickets.HoldID(hold), Event: show.ID, Account: account, Seats: seats, For: time.Minute},
		Until: time.Now().UTC().Add(time.Minute).Truncate(time.Microsecond), Token: 7,
	}
	o, err := tickets.NewOrder(tickets.OrderID("order-"+hold), show, g, func(tickets.SeatID) string { return "1" }, nil, "tok_ok", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEventsAreKeptAsTheyAre(t *testing.T) {
	events, ctx := open(t).Events(), t.Context()
	if _, err := events.Event(ctx, "show"); !errors.Is(err, tickets.ErrUnknown) {
		t.Errorf("an event that isn't there: %v", err)
	}
	if isNew, err := events.Add(ctx, show); err != nil || !isNew {
		t.Fatalf("%t, %v", isNew, err)
	}
	moved := show
	moved.Starts = moved.Starts.Add(time.Hour)
	if isNew, err := events.Add(ctx, moved); err != nil || isNew {
		t.Errorf("added twice: %t, %v", isNew, err)
	}
	if got, err := events.Event(ctx, "show"); err != nil || fmt.Sprint(got) != fmt.Sprint(show) {
		t.Errorf("%v, %v", got, err)
	}
	if err := events.Put(ctx, moved); err != nil {
		t.Fatal(err)
	}
	if all, err := events.List(ctx); err != nil || len(all) != 1 || !all[0].Starts.Equal(moved.Starts) {
		t.Errorf("%v, %v", all, err)
	}
}

func TestAnOrderIsReadAsItWasPlaced(t *testing.T) {
	orders, ctx := open(t).Orders(), t.Context()
	placed, err := orders.Place(ctx, request("ann", "k1", "two seats"), order(t, "h1", "ann", "a/A/2", "a/A/1"), upTo(4))
	if err != nil {
		t.Fatal(err)
	}
	got, err := orders.Order(ctx, placed.ID)
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", placed) {
		t.Errorf("placed %+v\n  read %+v, %v", placed, got, err)
	}
	if mine, err := orders.OfAccount(ctx, "ann"); err != nil || len(mine) != 1 {
		t.Errorf("%v, %v", mine, err)
	}
	if all, err := orders.OfEvent(ctx, "show", time.Now().Add(time.Hour), 10); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	figures, err := orders.Figures(ctx, "show")
	if want := (tickets.Figures{Orders: 1, OnTheWay: 2}); err != nil || figures != want {
		t.Errorf("%+v, %v, want %+v", figures, err, want)
	}
	if _, err := orders.Order(ctx, "nobody's"); !errors.Is(err, tickets.ErrUnknown) {
		t.Errorf("an order that isn't there: %v", err)
	}
}

func TestNoOrderIsMissedBetweenTwoPages(t *testing.T) {
	orders, now := open(t).Orders(), time.Now()
	for i, placed := range []time.Time{now, now.Add(-time.Second), now.Add(-time.Second), now.Add(-time.Minute)} {
		o := order(t, fmt.Sprint("h", i), "ann", tickets.SeatID(fmt.Sprint("a/A/", i)))
		o.Placed = placed
		if _, err := orders.Place(t.Context(), request("ann", fmt.Sprint(i), ""), o, upTo(10)); err != nil {
			t.Fatal(err)
		}
	}
	before := now.Add(time.Hour)
	for _, want := range []int{3, 1, 0} {
		page, err := orders.OfEvent(t.Context(), "show", before, 2)
		if err != nil || len(page) != want {
			t.Fatalf("%d orders before %s, %v, want %d", len(page), before, err, want)
		}
		if want > 0 {
			before = page[want-1].Placed
		}
	}
}

func TestARepeatedRequestPlacesOneOrder(t *testing.T) {
	orders, ctx := open(t).Orders(), t.Context()
	first, err := orders.Place(ctx, request("ann", "k", "one seat"), order(t, "h1", "ann", "a/A/1"), upTo(4))
	if err != nil {
		t.Fatal(err)
	}
	again := order(t, "h1", "ann", "a/A/1")
	again.ID = "another"
	if got, err := orders.Place(ctx, request("ann", "k", "one seat"), again, upTo(4)); err != nil || got.ID != first.ID {
		t.Errorf("a repetition: %s, %v", got.ID, err)
	}
	if _, err := orders.Place(ctx, request("ann", "k", "two seats"), order(t, "h2", "ann", "a/A/2"), upTo(4)); !errors.Is(err, tickets.ErrKeyReused) {
		t.Errorf("the key with another request: %v", err)
	}
	if _, err := orders.Place(ctx, request("ann", "k2", "one seat"), again, upTo(4)); !errors.Is(err, tickets.ErrOrdered) {
		t.Errorf("the hold a second time: %v", err)
	}
	if _, err := orders.Place(ctx, request("bob", "k", "two seats"), order(t, "h3", "bob", "a/A/3"), upTo(4)); err != nil {
		t.Errorf("another account with that key: %v", err)
	}
	if mine, err := orders.OfAccount(ctx, "ann"); err != nil || len(mine) != 1 {
		t.Errorf("%d orders, %v", len(mine), err)
	}
}

// The account's limit holds also when all its orders come at once.
func TestNobodyOrdersMoreThanTheLimit(t *testing.T) {
	orders, ctx := open(t).Orders(), t.Context()
	var wg sync.WaitGroup
	var mu sync.Mutex
	placed := 0
	for i := range 8 {
		o := order(t, fmt.Sprint("h", i), "ann", tickets.SeatID(fmt.Sprintf("a/A/%d", i)), tickets.SeatID(fmt.Sprintf("a/B/%d", i)))
		wg.Go(func() {
			_, err := orders.Place(ctx, request("ann", fmt.Sprint(i), ""), o, upTo(5))
			var over *tickets.OverLimit
			switch {
			case err == nil:
				mu.Lock()
				placed++
				mu.Unlock()
			case !errors.As(err, &over):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if placed != 2 {
		t.Errorf("%d orders of 2 tickets, where 5 tickets are the limit", placed)
	}
}

func TestAVoucherIsUsedAsOftenAsItMay(t *testing.T) {
	db, ctx := open(t), t.Context()
	orders, events := db.Orders(), db.Events()
	voucher := tickets.Voucher{Code: "half", Event: "show", Percent: 50, Uses: 2, Until: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)}
	if err := events.PutVoucher(ctx, voucher); err != nil {
		t.Fatal(err)
	}
	if got, err := events.Voucher(ctx, "show", "half"); err != nil || fmt.Sprint(got) != fmt.Sprint(voucher) && !got.Until.Equal(voucher.Until) {
		t.Errorf("%v, %v", got, err)
	}
	use := func(hold string) error {
		o := order(t, hold, "ann", tickets.SeatID("a/A/"+hold))
		o.Voucher = "half"
		_, err := orders.Place(ctx, request("ann", hold, ""), o, upTo(10))
		return err
	}
	for _, hold := range []string{"1", "2"} {
		if err := use(hold); err != nil {
			t.Fatal(err)
		}
	}
	var invalid *tickets.Invalid
	if err := use("3"); !errors.As(err, &invalid) || invalid.Field != "voucher" {
		t.Errorf("a third use of two: %v", err)
	}
	if mine, err := orders.OfAccount(ctx, "ann"); err != nil || len(mine) != 2 {
		t.Errorf("%d orders, %v: what was refused must leave nothing", len(mine), err)
	}
}

func TestAnAnswerIsRememberedOnce(t *testing.T) {
	keys, ctx := open(t).Keys(), t.Context()
	r := request("ann", "k", "join")
	if _, found, err := keys.Answer(ctx, r); err != nil || found {
		t.Fatalf("%t, %v", found, err)
	}
	for _, answer := range []string{"first", "second"} {
		if kept, err := keys.Remember(ctx, r, []byte(answer)); err != nil || string(kept) != "first" {
			t.Errorf("kept %q, %v", kept, err)
		}
	}
	if _, _, err := keys.Answer(ctx, request("ann", "k", "leave")); !errors.Is(err, tickets.ErrKeyReused) {
		t.Error(err)
	}
}

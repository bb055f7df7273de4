package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/move"
	"designkits/cases/tickets/saga"
	"designkits/cases/tickets/venue"
)

func small(t *testing.T, id, sections string) *venue.Venue {
	t.Helper()
	v, err := venue.Read(id, strings.NewReader(`{"name":"`+id+`","sections":[`+sections+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// halls are two for the show: of eight seats, and of three.
func halls(t *testing.T) (from, to *venue.Venue) {
	return small(t, "theatre", `{"id":"a","name":"A","tier":"1","blocks":[{"rows":2,"seats":4}]}`), small(t, "cellar", `{"id":"z","name":"Z","tier":"1","blocks":[{"rows":1,"seats":3}]}`)
}

func moving(n int) move.Move {
	return move.Move{ID: fmt.Sprint("m", n), Event: show.ID, To: "cellar", Prices: map[string]tickets.Cents{"1": 4000}}
}

func carryOut(ctx context.Context, db *postgres.DB, m move.Move, from, to *venue.Venue) (move.Move, error) {
	return db.Moves().Do(ctx, m, to.All(), func(orders []tickets.Order) ([]move.Change, error) { return move.Plan(orders, from, to) })
}

func TestAnEventMovesWithItsOrders(t *testing.T) {
	db, ctx := open(t), t.Context()
	from, to := halls(t)
	claims, err := db.Claims(postgres.ForUpdate)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Events().Put(ctx, show), db.AddSeats(ctx, show.ID, from.All())); err != nil {
		t.Fatal(err)
	}
	first, second, third := told(t, db, "h1", "a/A/1", "a/A/2"), told(t, db, "h2", "a/B/1", "a/B/2", "a/B/3"), told(t, db, "h3", "a/A/3", "a/A/4")
	old, err := db.Tickets().OfOrder(ctx, first.ID)
	if err != nil {
		t.Fatal(err)
	}
	underway := placed(t, db, "h4", "a/B/4")

	asked, err := db.Moves().Ask(ctx, request("organiser", "k", "move"), moving(1), to.All())
	if err != nil || asked.From != "theatre" || !asked.Ended.IsZero() {
		t.Fatalf("%+v, %v", asked, err)
	}
	if again, err := db.Moves().Ask(ctx, request("organiser", "k", "move"), moving(2), to.All()); err != nil || again.ID != asked.ID {
		t.Errorf("a repetition: %+v, %v", again, err)
	}
	if _, err := db.Moves().Ask(ctx, request("organiser", "k", "elsewhere"), moving(3), to.All()); !errors.Is(err, tickets.ErrKeyReused) {
		t.Errorf("the key for another move: %v", err)
	}
	if _, err := db.Moves().Ask(ctx, request("organiser", "k2", "move"), moving(4), to.All()); !errors.Is(err, tickets.ErrMoving) {
		t.Errorf("a second move: %v", err)
	}
	if e, err := db.Events().Event(ctx, show.ID); err != nil || e.Moving != "cellar" || e.Venue != "theatre" {
		t.Errorf("while it waits: %+v, %v", e, err)
	}
	if _, err := db.Orders().Place(ctx, request("bob", "late", ""), order(t, "late", "bob", "a/A/3"), show); !errors.Is(err, tickets.ErrMoving) {
		t.Errorf("an order while it waits: %v", err)
	}
	if _, err := carryOut(ctx, db, asked, from, to); !errors.Is(err, move.ErrNotYet) {
		t.Errorf("with an order on its way: %v", err)
	}
	moved(t, db, underway, saga.PaymentDeclined, saga.SeatsFreed)

	var workers sync.WaitGroup
	for range 4 { // at once, and again when it is over
		workers.Go(func() {
			if m, err := carryOut(ctx, db, asked, from, to); err != nil || m.Seated != 1 || m.Refunded != 2 || m.Ended.IsZero() {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
	workers.Wait()
	if e, err := db.Events().Event(ctx, show.ID); err != nil || e.Moving != "" || e.Venue != "cellar" || e.Prices["1"] != 4000 {
		t.Errorf("afterwards: %+v, %v", e, err)
	}

	one, err := db.Orders().Order(ctx, first.ID)
	if err != nil || one.State != tickets.Done || one.Total != first.Total || to.Section(one.Lines[0].Seat) == nil {
		t.Errorf("who was first: %+v, %v", one, err)
	}
	all, err := db.Tickets().OfOrder(ctx, first.ID)
	good := 0
	for _, ticket := range all {
		if ticket.Revoked.IsZero() {
			good++
			if to.Section(ticket.Seat) == nil {
				t.Errorf("a good ticket for %s", ticket.Seat)
			}
		}
	}
	if err != nil || good != 2 || len(all) != 4 {
		t.Errorf("%d good tickets of %d, %v", good, len(all), err)
	}
	if _, err := db.Tickets().CheckIn(ctx, old[0].Serial, "north", "s"); !errors.Is(err, tickets.ErrRevoked) {
		t.Errorf("an old ticket at the door: %v", err)
	}
	for _, o := range []tickets.Order{second, third} {
		back, err := db.Orders().Order(ctx, o.ID)
		if err != nil || back.State != tickets.Refunding || back.Reason == "" {
			t.Errorf("for whom there is no room: %+v, %v", back, err)
		}
		if done := moved(t, db, back, saga.MoneyGivenBack, saga.SeatsFreed); done.State != tickets.Refunded {
			t.Errorf("%+v", done)
		}
		if err := claims.Refund(ctx, show.ID, o.ID, nil); err != nil {
			t.Error(err)
		}
	}
	sold, err := db.Sales().Sold(ctx, show.ID)
	if err != nil || len(sold) != 2 || sold[one.Lines[0].Seat] != first.ID || sold[one.Lines[1].Seat] != first.ID {
		t.Errorf("sold: %v, %v", sold, err)
	}
	states, err := claims.Seats(ctx, show.ID)
	if err != nil || len(states) != 2 || states[one.Lines[0].Seat] != tickets.Paid {
		t.Errorf("the rows of seats: %v, %v", states, err)
	}

	// What was placed by somebody who hasn't heard of it, and what hasn't.
	if _, err := db.Orders().Place(ctx, request("bob", "late", ""), order(t, "late", "bob", "a/A/3"), show); !errors.Is(err, tickets.ErrMoving) {
		t.Errorf("an order for the old hall: %v", err)
	}
	now := show
	now.Venue = "cellar"
	if _, err := db.Orders().Place(ctx, request("bob", "good", ""), order(t, "good", "bob", "z/A/3"), now); err != nil {
		t.Errorf("an order for the new hall: %v", err)
	}
	if err := db.Events().Put(ctx, show); !isInvalid(err) {
		t.Errorf("its hall is changed without a move: %v", err)
	}
	if _, err := db.Moves().Ask(ctx, request("organiser", "k3", "back"), moving(5), from.All()); !isInvalid(err) {
		t.Errorf("back to where seats of those names were sold: %v", err)
	}
	if last, err := db.Moves().Last(ctx, show.ID); err != nil || last.ID != asked.ID {
		t.Errorf("%+v, %v", last, err)
	}
	if waiting, err := db.Moves().Waiting(ctx); err != nil || len(waiting) != 0 {
		t.Errorf("%+v, %v", waiting, err)
	}
}

func isInvalid(err error) bool {
	_, ok := errors.AsType[*tickets.Invalid](err)
	return ok
}

// told is an order that is done: its fan has been told of the tickets.
func told(t *testing.T, db *postgres.DB, hold string, seats ...tickets.SeatID) tickets.Order {
	t.Helper()
	o := ticketed(t, db, hold, seats...)
	if err := db.Saga().Tell(t.Context(), saga.EventOf(o), tickets.Message{}); err != nil {
		t.Fatal(err)
	}
	o, err := db.Orders().Order(t.Context(), o.ID)
	if err != nil || o.State != tickets.Done {
		t.Fatalf("%+v, %v", o, err)
	}
	return o
}

func TestAMoveIsGivenUpWhenSomebodyHasComeIn(t *testing.T) {
	db, ctx := open(t), t.Context()
	from, to := halls(t)
	if err := db.Events().Put(ctx, show); err != nil {
		t.Fatal(err)
	}
	o := told(t, db, "h", "a/A/1")
	asked, err := db.Moves().Ask(ctx, request("organiser", "k", ""), moving(1), to.All())
	if err != nil {
		t.Fatal(err)
	}
	all, err := db.Tickets().OfOrder(ctx, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Tickets().CheckIn(ctx, all[0].Serial, "north", "s"); err != nil {
		t.Fatal(err)
	}
	if m, err := carryOut(ctx, db, asked, from, to); err != nil || m.Ended.IsZero() || m.Reason == "" || m.Seated != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	if same, err := db.Orders().Order(ctx, o.ID); err != nil || fmt.Sprint(same) != fmt.Sprint(o) {
		t.Errorf("%+v\nwas %+v, %v", same, o, err)
	}
	if e, err := db.Events().Event(ctx, show.ID); err != nil || e.Moving != "" || e.Venue != "theatre" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := db.Moves().Ask(ctx, request("organiser", "k2", ""), moving(2), to.All()); !isInvalid(err) {
		t.Errorf("asked for again: %v", err)
	}
	if _, err := db.Moves().Ask(ctx, request("organiser", "k3", ""), move.Move{ID: "m9", Event: "none", To: "cellar"}, to.All()); !errors.Is(err, tickets.ErrUnknown) {
		t.Errorf("an event that isn't there: %v", err)
	}
}

// Of orders that are placed while a move is asked for, each is either before it
// and waited for, or refused.
func TestNoOrderSlipsThroughAMove(t *testing.T) {
	db, ctx := open(t), t.Context()
	from, to := halls(t)
	if err := db.Events().Put(ctx, show); err != nil {
		t.Fatal(err)
	}
	var buyers sync.WaitGroup
	accepted := make(chan tickets.Order, len(from.All()))
	for i, seat := range from.All() {
		account := tickets.Account(fmt.Sprint("fan", i))
		o := order(t, fmt.Sprint("h", i), account, seat)
		buyers.Go(func() {
			switch placed, err := db.Orders().Place(ctx, request(account, "k", ""), o, show); {
			case err == nil:
				accepted <- placed
			case !errors.Is(err, tickets.ErrMoving):
				t.Error(err)
			}
		})
	}
	asked, err := db.Moves().Ask(ctx, request("organiser", "k", ""), moving(1), to.All())
	if err != nil {
		t.Fatal(err)
	}
	early, err := db.Orders().OfEvent(ctx, show.ID, show.Starts, 100)
	if err != nil {
		t.Fatal(err)
	}
	buyers.Wait()
	close(accepted)
	if len(accepted) != len(early) {
		t.Errorf("%d orders were placed, %d of them before the move was asked for", len(accepted), len(early))
	}
	for o := range accepted {
		if _, err := carryOut(ctx, db, asked, from, to); !errors.Is(err, move.ErrNotYet) {
			t.Errorf("with an order on its way: %v", err)
		}
		moved(t, db, o, saga.PaymentDeclined, saga.SeatsFreed)
	}
	if m, err := carryOut(ctx, db, asked, from, to); err != nil || m.Ended.IsZero() {
		t.Errorf("%+v, %v", m, err)
	}
}

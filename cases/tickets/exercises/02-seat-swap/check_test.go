//go:build exercise

package swap_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"designkits/cases/tickets/exercises"
)

// A buyer is a fan with an order that is done.
type buyer struct {
	*exercises.Somebody
	name  string
	order string
}

// buy lets fans buy seats of the stalls' first row, all at once: ann 1 and 2, ben 3 and 4, …
func buy(t *testing.T, c *exercises.Case, event string, names ...string) []buyer {
	t.Helper()
	var buyers []buyer
	for i, name := range names {
		b := buyer{c.Fan(), name, ""}
		h := b.Hold(i, event, exercises.Named(seat(2*i+1), seat(2*i+2)))
		b.order = b.Order(i, event, h).ID
		buyers = append(buyers, b)
	}
	for _, b := range buyers {
		b.Await(b.order, "done")
	}
	return buyers
}

func seat(n int) string { return fmt.Sprintf("stalls/A/%d", n) }

func (b buyer) look() exercises.Order { return b.Look(0, b.order) }

func (b buyer) offers(replica int, seat, other string) exercises.Answer {
	return b.Ask(replica, http.MethodPost, "/api/orders/"+b.order+"/swaps", fmt.Sprintf(`{"seat":%q,"for":%q}`, seat, other))
}

// offer makes an offer, or ends the check.
func (b buyer) offer(t *testing.T, replica int, seat, other string) (id string) {
	t.Helper()
	var made struct{ Swap string }
	if a := b.offers(replica, seat, other); !a.Into(http.StatusCreated, &made) || made.Swap == "" {
		t.Fatalf("POST /api/orders/ORDER/swaps: %s, want 201 and the swap", a)
	}
	return made.Swap
}

func (b buyer) accept(replica int, swap string) exercises.Answer {
	return b.Ask(replica, http.MethodPost, "/api/swaps/"+swap+"/accept", "")
}

// code is what the QR code of the ticket for a seat says.
func (b buyer) code(t *testing.T, seat string) string {
	t.Helper()
	a := b.Ask(0, http.MethodGet, "/api/tickets/"+b.look().Good()[seat]+".txt", "")
	if a.Status != http.StatusOK {
		t.Fatalf("%s's ticket for %s: %s", b.name, seat, a)
	}
	return a.Body
}

// figures are the organiser's sums.
type figures struct{ Orders, Sold, Refunded, Revenue, Refunds int }

func sums(t *testing.T, c *exercises.Case, event string) (f figures) {
	t.Helper()
	if a := c.Organiser().Ask(0, http.MethodGet, event+"/figures", ""); !a.Into(http.StatusOK, &f) {
		t.Fatalf("GET …/figures: %s", a)
	}
	return f
}

// books checks that all orders together have these seats, each once and with one
// good ticket, and that no order has paid another price than before.
func books(t *testing.T, when string, buyers []buyer, seats []string, lines int) {
	t.Helper()
	var all []string
	for _, b := range buyers {
		o := b.look()
		all = append(all, o.Seats()...)
		good := slices.Sorted(maps.Keys(o.Good()))
		if !slices.Equal(good, o.Seats()) {
			t.Errorf("%s %s has the seats %v and good tickets for %v", when, b.name, o.Seats(), good)
		}
		if len(o.Lines) != lines || o.Total != lines*price {
			t.Errorf("%s %s's order has %d lines and a total of %d, want %d and %d as before", when, b.name, len(o.Lines), o.Total, lines, lines*price)
		}
	}
	slices.Sort(all)
	slices.Sort(seats)
	if !slices.Equal(all, seats) {
		t.Errorf("%s the orders have the seats %v, want each of %v once", when, all, seats)
	}
}

const price = 10_000

func TestSeatSwap(t *testing.T) {
	c := exercises.Start(t)
	event := c.Open(`{}`)
	buyers := buy(t, c, event, "ann", "ben", "cleo", "dora")
	ann, ben, cleo := buyers[0], buyers[1], buyers[2]
	var seats []string
	for n := range 8 {
		seats = append(seats, seat(n+1))
	}
	before := sums(t, c, event)

	refused(t, ann, ben)
	swap := ann.offer(t, 0, seat(2), seat(3))
	books(t, "when one has offered and nobody has agreed", buyers, seats, 2)
	if !slices.Contains(ann.look().Seats(), seat(2)) {
		t.Error("a seat is swapped before the other has agreed")
	}
	for _, other := range []buyer{ann, cleo} {
		if a := other.accept(1, swap); a.Status != http.StatusNotFound {
			t.Errorf("%s, whose seat it isn't about, accepts the swap and is answered %d, want 404", other.name, a.Status)
		}
	}
	oldAnn, oldBen, kept := ann.code(t, seat(2)), ben.code(t, seat(3)), ann.look().Good()[seat(1)]
	var swapped exercises.Order
	if a := ben.accept(1, swap); !a.Into(http.StatusOK, &swapped) || swapped.ID != ben.order {
		t.Fatalf("POST /api/swaps/SWAP/accept: %s, want 200 and the caller's order", a)
	}
	has(t, ann, seat(1), seat(3))
	has(t, ben, seat(2), seat(4))
	for range 2 { // nothing changes, so nobody swaps back
		if a := ben.accept(0, swap); a.Status != http.StatusOK {
			t.Errorf("a swap that is accepted again is answered %s, want 200", a)
		}
	}
	has(t, ann, seat(1), seat(3))
	books(t, "after a swap", buyers, seats, 2)
	if after := sums(t, c, event); after != before {
		t.Errorf("a swap has changed the organiser's sums from %+v to %+v", before, after)
	}
	if ann.look().Good()[seat(1)] != kept {
		t.Error("the ticket of a seat that wasn't swapped is another one after the swap")
	}

	doors(t, c, event, ann, ben, oldAnn, oldBen)
	givenBack(t, c, event, ann, ben)
	others := buyers[2:]
	rest := []string{seat(5), seat(6), seat(7), seat(8)}
	atOnce(t, c, event, others, rest)
}

// refused are offers that can't be.
func refused(t *testing.T, ann, ben buyer) {
	t.Helper()
	for what, got := range map[string]struct{ answer, want int }{
		"a seat of somebody else's order":        {buyer{ann.Somebody, "ann", ben.order}.offers(0, seat(3), seat(1)).Status, http.StatusNotFound},
		"a seat that isn't the order's":          {ann.offers(0, seat(3), seat(4)).Status, http.StatusUnprocessableEntity},
		"a seat for one of another price tier":   {ann.offers(0, seat(1), "circle/A/1").Status, http.StatusUnprocessableEntity},
		"a seat for one that the hall hasn't":    {ann.offers(0, seat(1), "stalls/A/999").Status, http.StatusUnprocessableEntity},
		"a swap that nobody has offered, to ann": {ann.accept(0, "none").Status, http.StatusNotFound},
	} {
		if got.answer != got.want {
			t.Errorf("%s is answered %d, want %d", what, got.answer, got.want)
		}
	}
}

func has(t *testing.T, b buyer, want ...string) {
	t.Helper()
	for replica := range 2 {
		if got := b.Look(replica, b.order).Seats(); !slices.Equal(got, want) {
			t.Errorf("%s has the seats %v, want %v", b.name, got, want)
		}
	}
}

// doors tries the tickets of ann and ben, who have swapped 2 and 3. Ben goes in.
func doors(t *testing.T, c *exercises.Case, event string, ann, ben buyer, oldAnn, oldBen string) {
	t.Helper()
	door, id := c.Door(), strings.TrimPrefix(event, "/api/events/")
	scan := func(code string) int {
		return door.Ask(0, http.MethodPost, "/api/door/check-in", fmt.Sprintf(`{"event":%q,"code":%q,"door":"north"}`, id, code)).Status
	}
	for name, old := range map[string]string{"ann": oldAnn, "ben": oldBen} {
		if got := scan(old); got != http.StatusConflict {
			t.Errorf("the ticket that %s had before the swap is answered %d at the door, want 409: whoever has a picture of it would sit down on the seat that is another's now", name, got)
		}
	}
	late := ann.offer(t, 1, seat(1), seat(2)) // before ben goes in
	if got := scan(ben.code(t, seat(2))); got != http.StatusOK {
		t.Errorf("the ticket that ben has since the swap is answered %d at the door, want 200", got)
	}
	if a := ben.accept(0, late); a.Status != http.StatusConflict {
		t.Errorf("a swap for a seat that somebody sits on is answered %d, want 409", a.Status)
	}
	has(t, ann, seat(1), seat(3))
}

// givenBack lets ann give back the seat that was ben's, and somebody else buy it.
func givenBack(t *testing.T, c *exercises.Case, event string, ann, ben buyer) {
	t.Helper()
	open := ann.offer(t, 0, seat(3), seat(4))
	before := sums(t, c, event)
	if a := ann.Ask(0, http.MethodPost, "/api/orders/"+ann.order+"/refund", fmt.Sprintf(`{"seats":[%q]}`, seat(3))); a.Status != http.StatusAccepted {
		t.Fatalf("POST …/refund of a seat from a swap: %s, want 202", a)
	}
	if a := ben.accept(1, open); a.Status != http.StatusConflict {
		t.Errorf("a swap for a seat that is being given back is answered %d, want 409", a.Status)
	}
	ann.Await(ann.order, "done")
	has(t, ann, seat(1))
	has(t, ben, seat(2), seat(4))
	if after := sums(t, c, event); after.Refunds != before.Refunds+price || after.Sold != before.Sold-1 {
		t.Errorf("a seat from a swap was given back, and the sums went from %+v to %+v, want %d back and one sold less", before, after, price)
	}
	free(t, c, event, seat(3))
	if a := c.Fan().Ask(0, http.MethodPost, event+"/holds", exercises.Named(seat(2))); a.Status != http.StatusConflict {
		t.Errorf("a seat that was swapped and not given back can be held: %s", a)
	}
}

// free checks that a seat can be bought.
func free(t *testing.T, c *exercises.Case, event, seat string) {
	t.Helper()
	eve := c.Fan()
	var last exercises.Answer
	if !exercises.Soon(t, func() bool {
		last = eve.Ask(1, http.MethodPost, event+"/holds", exercises.Named(seat))
		return last.Status == http.StatusCreated
	}) {
		t.Errorf("a seat that was swapped and then given back can't be held by anybody: %s. Does every store know whose it was?", last)
		return
	}
	var h exercises.Hold
	if last.Into(http.StatusCreated, &h) {
		eve.Await(eve.Order(0, event, h).ID, "done")
	}
}

// atOnce lets two fans and a third swap one seat in the same moment, again and
// again, and then swap what is being given back.
func atOnce(t *testing.T, c *exercises.Case, event string, two []buyer, seats []string) {
	t.Helper()
	third := buyer{c.Fan(), "finn", ""}
	third.order = third.Buy(0, event, exercises.Named(seat(9), seat(10))).ID
	buyers := append(slices.Clone(two), third)
	seats = append(slices.Clone(seats), seat(9), seat(10))
	for round := range 6 {
		from, others := buyers[round%3], []buyer{buyers[(round+1)%3], buyers[(round+2)%3]}
		mine := from.look().Seats()[0]
		var swaps [2]string
		for i, other := range others {
			swaps[i] = from.offer(t, i, mine, other.look().Seats()[round%2])
		}
		var accepted [2]int
		var both sync.WaitGroup
		for i, other := range others {
			both.Go(func() { accepted[i] = other.accept(i, swaps[i]).Status })
		}
		both.Wait()
		if slices.Sort(accepted[:]); accepted != [2]int{http.StatusOK, http.StatusConflict} {
			t.Errorf("one seat was offered to two, who accept at once and are answered %v, want 200 for one of them and 409 for the other", accepted)
		}
		books(t, "after two swaps of one seat at once", buyers, slices.Clone(seats), 2)
	}
	for round := range 2 {
		from, to := buyers[round], buyers[2]
		mine, theirs := from.look().Seats()[0], to.look().Seats()[0]
		swap := from.offer(t, 0, mine, theirs)
		var accepted, refunded int
		var both sync.WaitGroup
		both.Go(func() { accepted = to.accept(1, swap).Status })
		both.Go(func() {
			refunded = from.Ask(0, http.MethodPost, "/api/orders/"+from.order+"/refund", fmt.Sprintf(`{"seats":[%q]}`, mine)).Status
		})
		both.Wait()
		if (accepted == http.StatusOK) == (refunded == http.StatusAccepted) {
			t.Errorf("a seat is swapped and given back at once, and the one is answered %d and the other %d: one of them comes too late", accepted, refunded)
		}
		from.Await(from.order, "done")
		if refunded == http.StatusAccepted {
			seats = slices.DeleteFunc(seats, func(s string) bool { return s == mine })
			free(t, c, event, mine)
		}
		books(t, "after a swap and a refund at once", buyers, slices.Clone(seats), 2)
	}
}

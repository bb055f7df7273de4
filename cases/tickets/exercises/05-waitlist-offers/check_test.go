//go:build exercise

package offers_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets/exercises"
)

// holdFor is how long an offer lasts, in seconds: long enough for what is tried with it
// on a busy machine.
const holdFor = 20

// inTime is how long a freed seat may take to be offered: the five seconds that
// the README gives, and some for the refund before and for a busy machine.
const inTime = 20 * time.Second

// A scene is an event that is sold out.
type scene struct {
	t      *testing.T
	c      *exercises.Case
	event  string
	buyer  *exercises.Somebody
	bought []exercises.Order
	freed  int // of the first order's seats
}

// standing is what the list says to one who waits.
type standing struct {
	Place int
	Offer *struct {
		exercises.Hold
		Latest time.Time
	}
}

func (s *scene) stands(replica int, who *exercises.Somebody) (at standing, a exercises.Answer) {
	s.t.Helper()
	a = who.Ask(replica, http.MethodGet, s.event+"/waitlist", "")
	if a.Status != http.StatusNotFound && !a.Into(http.StatusOK, &at) {
		s.t.Fatalf("GET …/waitlist: %s, want 200 with the place or the offer, or 404", a)
	}
	return at, a
}

// offered is the seats that are offered to each of those who wait.
func (s *scene) offered(replica int, waiting []*exercises.Somebody) (seats []string) {
	s.t.Helper()
	for _, who := range waiting {
		if at, _ := s.stands(replica, who); at.Offer != nil {
			for _, line := range at.Offer.Seats {
				seats = append(seats, line.Seat)
			}
		}
	}
	return seats
}

func (s *scene) wait(replica int, who *exercises.Somebody, seats int) {
	s.t.Helper()
	if a := who.Ask(replica, http.MethodPost, s.event+"/waitlist", fmt.Sprintf(`{"seats":%d}`, seats)); a.Status != http.StatusCreated {
		s.t.Fatalf("POST …/waitlist of an event that is sold out: %s, want 201", a)
	}
}

// free gives n seats back, and returns once that is done.
func (s *scene) free(n int) (seats []string) {
	s.t.Helper()
	for _, line := range s.bought[0].Lines[s.freed : s.freed+n] {
		seats = append(seats, line.Seat)
	}
	s.freed += n
	text := exercises.Named(seats...)
	if a := s.buyer.Ask(0, http.MethodPost, "/api/orders/"+s.bought[0].ID+"/refund", text); a.Status != http.StatusAccepted {
		s.t.Fatalf("POST …/refund %s: %s", text, a)
	}
	s.buyer.Await(s.bought[0].ID, "done")
	slices.Sort(seats)
	return seats
}

// gets waits until somebody is offered these seats, by every replica.
func (s *scene) gets(who *exercises.Somebody, name string, want []string) exercises.Hold {
	s.t.Helper()
	var at standing
	for replica := range 2 {
		deadline := time.Now().Add(inTime)
		for at.Offer == nil || replica > 0 {
			if at, _ = s.stands(replica, who); at.Offer != nil {
				break
			}
			if time.Now().After(deadline) {
				s.t.Fatalf("%v became free and is not offered to the %s on the list within %s: replica %d says %+v", want, name, inTime, replica+1, at)
			}
			exercises.Soon(s.t, func() bool { at, _ = s.stands(replica, who); return at.Offer != nil })
		}
	}
	var seats []string
	for _, line := range at.Offer.Seats {
		seats = append(seats, line.Seat)
	}
	slices.Sort(seats)
	if !slices.Equal(seats, want) {
		s.t.Errorf("%v became free, and the %s on the list is offered %v", want, name, seats)
	}
	if left := time.Until(at.Offer.Until); left > holdFor*time.Second+time.Second || left <= 0 {
		s.t.Errorf("an offer ends in %s, want at most the event's holdFor, %d s", left, holdFor)
	}
	return at.Offer.Hold
}

// sellOut buys the whole theatre.
func sellOut(t *testing.T, c *exercises.Case) *scene {
	t.Helper()
	s := &scene{t: t, c: c, buyer: c.Fan()}
	s.event = c.Open(fmt.Sprintf(`{"perAccount":50,"holdFor":%d,"maxHold":300}`, holdFor))
	for n := range 10 {
		fan := s.buyer
		if n > 0 {
			fan = c.Fan()
		}
		o := fan.Order(n, s.event, fan.Hold(n, s.event, exercises.Best(50, "")))
		s.bought = append(s.bought, o)
	}
	s.bought[0] = s.buyer.Await(s.bought[0].ID, "done")
	for replica := range 2 {
		if !exercises.Soon(t, func() bool {
			var state struct{ Free int }
			return s.buyer.Ask(replica, http.MethodGet, s.event, "").Into(http.StatusOK, &state) && state.Free == 0
		}) {
			t.Fatal("all seats are bought, and the event isn't sold out")
		}
	}
	return s
}

// passBy is somebody who hasn't waited, and tries to hold a seat again and again
// until it is called off.
func passBy(t *testing.T, s *scene) (stop func() (got int)) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	got := 0
	fan := s.c.Fan()
	running.Go(func() {
		again := time.NewTicker(5 * time.Millisecond)
		defer again.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			<-again.C
			if a := fan.Ask(n, http.MethodPost, s.event+"/holds", exercises.Best(1, "")); a.Status == http.StatusCreated {
				got++
			}
		}
	})
	return sync.OnceValue(func() int { cancel(); running.Wait(); return got })
}

func TestWaitlistOffers(t *testing.T) {
	c := exercises.Start(t)
	s := sellOut(t, c)
	names := []string{"first", "second", "third", "fourth", "fifth"}
	var waiting []*exercises.Somebody
	for n := range names {
		waiting = append(waiting, c.Fan())
		s.wait(n, waiting[n], 1)
	}
	for n, who := range waiting {
		if at, a := s.stands(n, who); at.Place != n+1 || at.Offer != nil {
			t.Fatalf("the %s on the list is told %s, want the place %d", names[n], a, n+1)
		}
	}
	if _, a := s.stands(0, c.Fan()); a.Status != http.StatusNotFound {
		t.Errorf("who doesn't wait is told %s, want 404", a)
	}
	if a := s.buyer.Ask(0, http.MethodDelete, s.event+"/waitlist", ""); a.Status != http.StatusNotFound {
		t.Errorf("DELETE …/waitlist by who doesn't wait: %s, want 404", a)
	}
	s.known()
	stop := passBy(t, s)
	defer func() { // also when the check ends before
		if got := stop(); got > 0 {
			t.Errorf("somebody who has not waited has jumped the queue, and held %d seats while people waited: "+
				"a seat is free for a moment before it is offered, so holds must be refused as long as anybody waits", got)
		}
	}()

	// The first lets its offer lapse.
	seat := s.free(1)
	lapsed := s.gets(waiting[0], names[0], seat)
	s.oneEach(waiting, seat)
	stealing(t, s, waiting[1], lapsed)
	if a := waiting[0].Ask(1, http.MethodPost, s.event+"/holds/"+lapsed.Hold+"/extend", ""); a.Status < 300 {
		var longer exercises.Hold
		if a.Into(http.StatusOK, &longer) && longer.Until.After(lapsed.Until.Add(time.Second)) {
			t.Errorf("an offer until %s was extended until %s: others wait for the seat", lapsed.Until, longer.Until)
		}
	}
	if at, a := s.stands(0, waiting[1]); at.Place != 1 {
		t.Errorf("once the first has an offer the second is told %s, want the place 1", a)
	}
	s.watch(waiting, seat, lapsed.Until)
	offer := s.gets(waiting[1], names[1], seat)
	if !offer.Until.After(lapsed.Until) {
		t.Errorf("the second offer ends at %s, and the first did at %s", offer.Until, lapsed.Until)
	}
	if a := waiting[0].Ask(0, http.MethodPost, s.event+"/orders", lapsed.Offer()); a.Status != http.StatusGone {
		t.Errorf("who let an offer lapse orders it, and is answered %s, want 410", a)
	}
	if at, a := s.stands(1, waiting[0]); a.Status != http.StatusNotFound {
		t.Errorf("who let an offer lapse is told %s (%+v), want 404", a, at)
	}

	// The second gives it up, the third buys.
	if a := waiting[1].Ask(1, http.MethodDelete, s.event+"/waitlist", ""); a.Status != http.StatusNoContent {
		t.Errorf("DELETE …/waitlist by who has an offer: %s, want 204", a)
	}
	third := s.gets(waiting[2], names[2], seat)
	if !time.Now().Before(offer.Until) {
		t.Errorf("an offer that was given up is made to the next only when it would have ended")
	}
	s.oneEach(waiting, seat)
	s.buys(waiting[2], third)

	// Two seats, two who wait, one who leaves.
	rest := waiting[3:]
	seats := s.free(2)
	s.twoAtOnce(rest, seats)
	fourth, a := s.stands(0, rest[0])
	if fourth.Offer == nil {
		t.Fatalf("who was offered a seat with another, and has not let it go, is told %s", a)
	}
	placed := rest[0].Order(1, s.event, fourth.Offer.Hold)

	// Who wants more than is free is passed over; so the list isn't empty.
	pair, single := c.Fan(), c.Fan()
	s.wait(0, pair, 2)
	s.wait(1, single, 1)
	s.known()
	if a := rest[1].Ask(0, http.MethodDelete, s.event+"/waitlist", ""); a.Status != http.StatusNoContent {
		t.Errorf("DELETE …/waitlist by who has an offer: %s, want 204", a)
	}
	last := s.gets(single, "only one who wants a single seat", exceptOf(seats, fourth.Offer.Seats[0].Seat))
	if at, a := s.stands(1, pair); at.Place != 1 {
		t.Errorf("one seat is free, and who wants two is told %s, want the place 1 still", a)
	}
	s.buys(single, last)
	s.has(rest[0], fourth.Offer.Hold, placed)
	stop()

	// Nobody waits any more.
	if a := pair.Ask(0, http.MethodDelete, s.event+"/waitlist", ""); a.Status != http.StatusNoContent {
		t.Errorf("DELETE …/waitlist by who waits: %s, want 204", a)
	}
	s.free(1)
	for replica := range 2 {
		fan := c.Fan()
		var h exercises.Hold
		if !exercises.Soon(t, func() bool {
			return fan.Ask(replica, http.MethodPost, s.event+"/holds", exercises.Best(1, "")).Into(http.StatusCreated, &h)
		}) {
			t.Errorf("nobody waits any more, and a free seat can't be held on replica %d", replica+1)
			continue
		}
		fan.Ask(replica, http.MethodDelete, s.event+"/holds/"+h.Hold, "")
	}
}

// known waits until both replicas may be expected to know that somebody waits.
func (s *scene) known() {
	came := time.Now()
	exercises.Soon(s.t, func() bool { return time.Since(came) > time.Second })
}

// oneEach says which seats are offered to more than one.
func (s *scene) oneEach(waiting []*exercises.Somebody, want []string) {
	s.t.Helper()
	for replica := range 2 {
		if seats := s.offered(replica, waiting); len(seats) > len(want) {
			s.t.Errorf("%v became free, and replica %d says that %v are offered: a seat is offered to two", want, replica+1, seats)
		}
	}
}

// watch looks until a time whether two have an offer of a seat.
func (s *scene) watch(waiting []*exercises.Somebody, seat []string, until time.Time) {
	s.t.Helper()
	for n := 0; time.Now().Before(until) && !s.t.Failed(); n++ {
		if seats := s.offered(n, waiting); len(seats) > len(seat) && time.Now().Before(until) {
			s.t.Errorf("%v became free, and at one moment %v are offered: a seat is offered to two", seat, seats)
		}
	}
}

// twoAtOnce awaits two offers of two seats.
func (s *scene) twoAtOnce(waiting []*exercises.Somebody, want []string) {
	s.t.Helper()
	var seats []string
	deadline := time.Now().Add(inTime)
	for len(seats) < 2 && time.Now().Before(deadline) {
		exercises.Soon(s.t, func() bool { seats = s.offered(0, waiting); return len(seats) >= 2 })
	}
	slices.Sort(seats)
	if !slices.Equal(seats, want) {
		s.t.Fatalf("%v became free at once, and to the two who wait %v are offered, want one each", want, seats)
	}
}

// buys orders an offer and awaits the ticket.
func (s *scene) buys(who *exercises.Somebody, offer exercises.Hold) {
	s.t.Helper()
	s.has(who, offer, who.Order(0, s.event, offer))
}

// has awaits the ticket of an order of an offer.
func (s *scene) has(who *exercises.Somebody, offer exercises.Hold, placed exercises.Order) {
	s.t.Helper()
	o := who.Await(placed.ID, "done")
	if tickets := o.Good(); len(tickets) != 1 || tickets[offer.Seats[0].Seat] == "" {
		s.t.Errorf("who has bought an offer of %v has the tickets %v", offer.Seats, tickets)
	}
	if at, a := s.stands(1, who); a.Status != http.StatusNotFound {
		s.t.Errorf("who has bought its offer is told %s (%+v), want 404", a, at)
	}
}

// stealing orders with somebody else's offer.
func stealing(t *testing.T, s *scene, thief *exercises.Somebody, offer exercises.Hold) {
	t.Helper()
	if a := thief.Ask(0, http.MethodPost, s.event+"/orders", offer.Offer()); a.Status != http.StatusNotFound {
		t.Errorf("an order of somebody else's offer is answered %s, want 404", a)
	}
}

func exceptOf(seats []string, seat string) []string {
	return slices.DeleteFunc(slices.Clone(seats), func(s string) bool { return s == seat })
}

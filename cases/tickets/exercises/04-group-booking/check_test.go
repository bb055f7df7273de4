//go:build exercise

package group_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/tickets/exercises"
)

// How long a group has, in seconds: one that is to complete, however busy the machine
// is, and one whose time is to end.
const (
	plenty = 300
	brief  = 20
)

// A group is one as the API shows it.
type group struct {
	ID     string
	Until  time.Time
	State  string
	Ended  bool
	Reason string
	Total  int
	Shares []share
}

type share struct {
	Seat   string
	Price  int
	State  string
	Mine   bool
	Ticket string
}

func (g group) String() string {
	var shares []string
	for _, s := range g.Shares {
		shares = append(shares, s.Seat+" "+s.State)
	}
	return fmt.Sprintf("%s (%s): %s", g.State, g.Reason, strings.Join(shares, ", "))
}

// A scene is an event, and friends who want to go.
type scene struct {
	t       *testing.T
	c       *exercises.Case
	event   string
	maxHold time.Duration
}

// gather holds seats and makes a group of them.
func (s *scene) gather(leader *exercises.Somebody, seats int) (g group, h exercises.Hold) {
	s.t.Helper()
	h = leader.Hold(0, s.event, exercises.Best(seats, "1"))
	body := fmt.Sprintf(`{"hold":%q}`, h.Hold)
	a := leader.Again("gather-"+h.Seats[0].Seat, 0, http.MethodPost, s.event+"/groups", body)
	if !a.Into(http.StatusCreated, &g) || len(g.Shares) != seats || g.ID == "" {
		s.t.Fatalf("POST …/groups of a hold of %d seats: %s, want 201 and a share for each", seats, a)
	}
	var again group
	if a := leader.Again("gather-"+h.Seats[0].Seat, 1, http.MethodPost, s.event+"/groups", body); !a.Into(http.StatusCreated, &again) || again.ID != g.ID {
		s.t.Errorf("POST …/groups repeated with its key: %s, want the same group", a)
	}
	if left := time.Until(g.Until); left > s.maxHold+time.Second || left < s.maxHold-10*time.Second {
		s.t.Errorf("a group that has just been made has %s to pay, want about the event's maxHold, %s", left, s.maxHold)
	}
	return g, h
}

func (s *scene) look(replica int, who *exercises.Somebody, id string) (g group) {
	s.t.Helper()
	if a := who.Ask(replica, http.MethodGet, "/api/groups/"+id, ""); !a.Into(http.StatusOK, &g) {
		s.t.Fatalf("GET /api/groups/GROUP: %s, want 200", a)
	}
	return g
}

// pay asks to pay a share, and asks again with the same key where a store was too
// busy to answer.
func (s *scene) pay(replica int, who *exercises.Somebody, id, seat, source string) (a exercises.Answer) {
	s.t.Helper()
	key, body := rand.Text(), fmt.Sprintf(`{"seat":%q,"source":%q}`, seat, source)
	exercises.Soon(s.t, func() bool {
		a = who.Again(key, replica, http.MethodPost, "/api/groups/"+id+"/pay", body)
		return a.Status != http.StatusServiceUnavailable
	})
	return a
}

// pays pays a share that nobody else wants.
func (s *scene) pays(replica int, who *exercises.Somebody, id, seat, source string) {
	s.t.Helper()
	if a := s.pay(replica, who, id, seat, source); a.Status != http.StatusAccepted {
		s.t.Fatalf("POST /api/groups/GROUP/pay of an open share: %s, want 202", a)
	}
}

// becomes waits until a group is as it should be, and returns it.
func (s *scene) becomes(who *exercises.Somebody, id, what string, within time.Duration, is func(group) bool) (g group) {
	s.t.Helper()
	for deadline := time.Now().Add(within); ; {
		if exercises.Soon(s.t, func() bool { g = s.look(1, who, id); return is(g) }) {
			return g
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("a group is %s, want it %s", g, what)
		}
	}
}

// all says whether all shares are in that state.
func (g group) all(state string) bool {
	for _, s := range g.Shares {
		if s.State != state {
			return false
		}
	}
	return true
}

func (g group) state(seat string) string {
	for _, s := range g.Shares {
		if s.Seat == seat {
			return s.State
		}
	}
	return ""
}

func TestGroupBooking(t *testing.T) {
	c := exercises.Start(t)
	s := open(t, c, plenty)
	t.Run("all pay", s.allPay)
	t.Run("not all pay", open(t, c, brief).notAllPay)
	t.Run("many want to pay", s.manyPay)
}

// open has an event whose groups have so many seconds.
func open(t *testing.T, c *exercises.Case, maxHold int) *scene {
	t.Helper()
	event := c.Open(fmt.Sprintf(`{"holdFor":10,"maxHold":%d}`, maxHold))
	return &scene{t: t, c: c, event: event, maxHold: time.Duration(maxHold) * time.Second}
}

// sub is the scene of a part of the check.
func (s *scene) sub(t *testing.T) *scene { return &scene{t, s.c, s.event, s.maxHold} }

func (s *scene) allPay(t *testing.T) {
	s = s.sub(t)
	leader, friend, third, stranger := s.c.Fan(), s.c.Fan(), s.c.Fan(), s.c.Fan()
	g, h := s.gather(leader, 3)
	if a := leader.Ask(0, http.MethodPost, s.event+"/orders", h.Offer()); a.Status != http.StatusConflict {
		t.Errorf("a hold that a group pays is ordered a second time, in the usual way: %s, want 409", a)
	}
	s.refusals(g, stranger)

	seats := []string{g.Shares[0].Seat, g.Shares[1].Seat, g.Shares[2].Seat}
	s.pays(0, leader, g.ID, seats[0], "tok_ok")
	s.pays(1, friend, g.ID, seats[1], "tok_declined")
	g = s.becomes(friend, g.ID, "with the declined share open again", 30*time.Second, func(g group) bool {
		return g.state(seats[1]) == "open" && g.state(seats[0]) == "authorised"
	})
	s.pays(0, friend, g.ID, seats[1], "tok_ok")
	g = s.becomes(friend, g.ID, "with two authorised shares: a card that was declined doesn't spoil the next", 30*time.Second, func(g group) bool {
		return g.state(seats[1]) == "authorised"
	})
	if g.Ended || g.State != "placed" || g.state(seats[2]) != "open" {
		t.Errorf("two of three have paid, and the group is %s, want it to wait: all or nothing", g)
	}
	if a := s.pay(0, stranger, g.ID, seats[0], "tok_ok"); a.Status != http.StatusConflict {
		t.Errorf("a share that is authorised is paid once more: %s, want 409", a)
	}
	s.pays(1, third, g.ID, seats[2], "tok_slow")

	g = s.becomes(leader, g.ID, "done, with all shares captured", time.Minute, func(g group) bool { return g.State == "done" && g.all("captured") })
	for n, who := range []*exercises.Somebody{leader, friend, third} {
		mine := s.look(n, who, g.ID)
		for _, share := range mine.Shares {
			if share.Mine != (share.Seat == seats[n]) || (share.Ticket != "") != share.Mine {
				t.Errorf("who has paid %s is told of the share %+v, want their own ticket and no other", seats[n], share)
			}
			if share.Ticket == "" {
				continue
			}
			path := "/api/tickets/" + share.Ticket + ".txt"
			if a := who.Ask(0, http.MethodGet, path, ""); a.Status != http.StatusOK {
				t.Errorf("GET of the ticket by who has paid it: %s, want 200", a)
			}
			for _, other := range []*exercises.Somebody{leader, friend, third, stranger} {
				if a := other.Ask(1, http.MethodGet, path, ""); other != who && a.Status != http.StatusNotFound {
					t.Errorf("GET of a ticket by somebody who hasn't paid it: %d, want 404", a.Status)
				}
			}
		}
	}
	if a := s.pay(0, stranger, g.ID, seats[0], "tok_ok"); a.Status != http.StatusConflict && a.Status != http.StatusGone {
		t.Errorf("a share of a group that is done is paid once more: %s, want 409 or 410", a)
	}
	s.figures(3, g.Total)
}

// figures compares what the organiser sees with what was sold.
func (s *scene) figures(sold, revenue int) {
	s.t.Helper()
	var sums struct{ Sold, Revenue int }
	if a := s.c.Organiser().Ask(0, http.MethodGet, s.event+"/figures", ""); !a.Into(http.StatusOK, &sums) || sums.Sold != sold || sums.Revenue != revenue {
		s.t.Errorf("the organiser's figures are %s, want %d sold for %d", a, sold, revenue)
	}
}

// refusals asks for what can't be.
func (s *scene) refusals(g group, stranger *exercises.Somebody) {
	s.t.Helper()
	for what, c := range map[string]struct {
		answer exercises.Answer
		want   int
	}{
		"a seat of somebody else":    {s.pay(0, stranger, g.ID, "boxes/A/1", "tok_ok"), http.StatusUnprocessableEntity},
		"without a source":           {s.pay(0, stranger, g.ID, g.Shares[0].Seat, ""), http.StatusUnprocessableEntity},
		"a group that there isn't":   {s.pay(1, stranger, "nobodys", g.Shares[0].Seat, "tok_ok"), http.StatusNotFound},
		"somebody else's hold":       {stranger.Ask(0, http.MethodPost, s.event+"/groups", `{"hold":"x"}`), http.StatusNotFound},
		"a group that isn't, to see": {stranger.Ask(0, http.MethodGet, "/api/groups/nobodys", ""), http.StatusNotFound},
	} {
		if c.answer.Status != c.want {
			s.t.Errorf("%s: %s, want %d", what, c.answer, c.want)
		}
	}
	if now := s.look(0, stranger, g.ID); !now.all("open") {
		s.t.Errorf("after payments that were refused a group is %s, want all shares open", now)
	}
}

func (s *scene) notAllPay(t *testing.T) {
	s = s.sub(t)
	leader, friend := s.c.Fan(), s.c.Fan()
	g, h := s.gather(leader, 3)
	s.pays(0, leader, g.ID, g.Shares[0].Seat, "tok_ok")
	s.pays(1, friend, g.ID, g.Shares[1].Seat, "tok_ok")
	s.becomes(leader, g.ID, "with two authorised shares", 30*time.Second, func(g group) bool {
		return g.Shares[0].State == "authorised" && g.Shares[1].State == "authorised"
	})
	names := []string{h.Seats[0].Seat, h.Seats[1].Seat, h.Seats[2].Seat}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for n := 0; time.Now().Before(g.Until.Add(-time.Second)); n++ {
		<-again.C
		now := s.look(n, friend, g.ID)
		if !time.Now().Before(g.Until) {
			break // asked in time, and answered too late to tell
		}
		if now.State != "placed" || now.Shares[0].State != "authorised" {
			t.Fatalf("one of three hasn't paid, and before the time is over the group is %s, want it placed: nobody is charged before all have paid", now)
		}
		if a := s.c.Fan().Ask(n, http.MethodPost, s.event+"/holds", exercises.Named(names...)); a.Status != http.StatusConflict && time.Now().Before(g.Until) {
			t.Fatalf("before a group's time is over somebody else asks for its seats: %s, want 409", a)
		}
	}
	g = s.becomes(leader, g.ID, "cancelled when its time is over", time.Until(g.Until)+30*time.Second, func(g group) bool { return g.State == "cancelled" })
	if late := time.Since(g.Until); late > 15*time.Second { // five, and ten that a busy machine may take
		t.Errorf("a group is cancelled %s after its time, want at most five seconds", late)
	}
	if g.Reason == "" || g.Shares[0].State != "released" || g.Shares[1].State != "released" {
		t.Errorf("a group that wasn't complete in time is %s, want a reason and the two payments released", g)
	}
	if a := s.pay(0, s.c.Fan(), g.ID, names[2], "tok_ok"); a.Status != http.StatusGone {
		t.Errorf("who pays a share when all is over is answered %s, want 410", a)
	}
	if a := friend.Ask(0, http.MethodGet, "/api/orders/"+g.ID, ""); a.Status != http.StatusNotFound {
		t.Errorf("a friend's GET of the leader's order: %d, want 404", a.Status)
	}
	other := s.c.Fan()
	if !exercises.Soon(t, func() bool {
		return other.Ask(1, http.MethodPost, s.event+"/holds", exercises.Named(names...)).Status == http.StatusCreated
	}) {
		t.Errorf("the seats of a group that was cancelled can't be held by anybody")
	}
}

// manyPay has many people pay each share at the same moment.
func (s *scene) manyPay(t *testing.T) {
	s = s.sub(t)
	const seats, people = 5, 8
	leader := s.c.Fan()
	var fans []*exercises.Somebody
	for range people {
		fans = append(fans, s.c.Fan())
	}
	g, _ := s.gather(leader, seats)
	var told [seats][people]atomic.Bool
	var all sync.WaitGroup
	begin := make(chan struct{})
	for n, share := range g.Shares {
		for m, fan := range fans {
			all.Go(func() {
				<-begin
				switch a := s.pay(m, fan, g.ID, share.Seat, "tok_ok"); a.Status {
				case http.StatusAccepted:
					told[n][m].Store(true)
				case http.StatusConflict, http.StatusGone:
				default:
					t.Errorf("one of many who want to pay a share is answered %s, want 202, 409 or 410", a)
				}
			})
		}
	}
	close(begin)
	all.Wait()
	for n := range told {
		payers := 0
		for m := range told[n] {
			if told[n][m].Load() {
				payers++
			}
		}
		if payers != 1 {
			t.Errorf("%d people are told at the same moment that they pay the share %s, want one: "+
				"reading that a share is open and writing who pays it are two steps, and somebody comes in between", payers, g.Shares[n].Seat)
		}
	}
	g = s.becomes(leader, g.ID, "done once all shares are paid", time.Minute, func(g group) bool { return g.State == "done" && g.all("captured") })
	for n, share := range g.Shares {
		for m, fan := range fans {
			if mine := s.look(m, fan, g.ID).Shares[n]; mine.Mine != told[n][m].Load() || (mine.Ticket != "") != mine.Mine {
				t.Errorf("who was told (%v) that they pay %s sees %+v afterwards", told[n][m].Load(), share.Seat, mine)
			}
		}
	}
}

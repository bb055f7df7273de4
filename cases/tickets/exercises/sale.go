package exercises

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"designkits/shared/exercise/grade"
)

// Event is an event as the organiser sends it: an evening in the theatre that is
// on sale, with no waiting room, other than the change in JSON says.
func (c *Case) Event(change string) string {
	c.t.Helper()
	event := map[string]any{
		"name": "A play", "venue": "theatre", "starts": "2099-01-01T00:00:00Z", "onSale": "2020-01-01T00:00:00Z", "currency": "EUR",
		"prices": map[string]int{"1": 10_000, "2": 5_000}, "perAccount": 6, "holdFor": 120, "maxHold": 600,
	}
	if err := json.Unmarshal([]byte(change), &event); err != nil {
		c.t.Fatalf("%s: %v", change, err)
	}
	body, err := json.Marshal(event)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(body)
}

// Open opens an Event with that change and returns its path, "/api/events/ID",
// once every replica sells it.
func (c *Case) Open(change string) (path string) {
	c.t.Helper()
	path = "/api/events/" + strings.ToLower(rand.Text()[:10])
	if a := c.Organiser().Ask(0, http.MethodPut, path, c.Event(change)); a.Status != http.StatusOK {
		c.t.Fatalf("PUT of an event with %s: %s, want 200: does the API take the new fields already?", change, a)
	}
	nobody := &Somebody{c: c}
	for replica := range c.replicas {
		if !Soon(c.t, func() bool { return nobody.Ask(replica, http.MethodGet, path, "").Status == http.StatusOK }) {
			c.t.Fatalf("replica %d doesn't know the new event", replica+1)
		}
	}
	return path
}

// A Line is a seat and its price in cents.
type Line struct {
	Seat     string `json:"seat"`
	Tier     string `json:"tier"`
	Price    int    `json:"price"`
	Refunded bool   `json:"refunded"`
}

// A Hold is seats that are kept for somebody.
type Hold struct {
	Hold  string    `json:"hold"`
	Seats []Line    `json:"seats"`
	Total int       `json:"total"`
	Until time.Time `json:"until"`
}

// An Order is a purchase.
type Order struct {
	ID      string   `json:"id"`
	Lines   []Line   `json:"lines"`
	Total   int      `json:"total"`
	State   string   `json:"state"`
	Ended   bool     `json:"ended"`
	Reason  string   `json:"reason"`
	Tickets []Ticket `json:"tickets"`
}

// A Ticket is one of an order.
type Ticket struct {
	Serial  string `json:"serial"`
	Seat    string `json:"seat"`
	Revoked bool   `json:"revoked"`
}

// Seats are the names of the order's seats that weren't given back, sorted.
func (o Order) Seats() (names []string) {
	for _, line := range o.Lines {
		if !line.Refunded {
			names = append(names, line.Seat)
		}
	}
	slices.Sort(names)
	return names
}

// Good are the serials of the order's tickets that are worth something, by seat.
func (o Order) Good() map[string]string {
	good := map[string]string{}
	for _, t := range o.Tickets {
		if !t.Revoked {
			good[t.Seat] = t.Serial
		}
	}
	return good
}

// Named is a wish for seats by name.
func Named(seats ...string) string {
	text, _ := json.Marshal(map[string]any{"seats": seats}) // strings always marshal
	return string(text)
}

// Best is a wish for so many of the best seats of a price tier, next to each
// other or not.
func Best(n int, tier string) string {
	return fmt.Sprintf(`{"best":{"seats":%d,"tier":%q,"together":false}}`, n, tier)
}

// Hold holds what the wish in JSON asks for, or ends the check.
func (s *Somebody) Hold(replica int, event, wish string) (h Hold) {
	s.c.t.Helper()
	if a := s.Ask(replica, http.MethodPost, event+"/holds", wish); !a.Into(http.StatusCreated, &h) {
		s.c.t.Fatalf("POST …/holds %s: %s, want 201", wish, a)
	}
	return h
}

// Offer is what an order is made of: the hold, paid by a card that is good.
func (h Hold) Offer() string { return fmt.Sprintf(`{"hold":%q,"source":"tok_ok"}`, h.Hold) }

// Order orders what is held, or ends the check. Without worker and payments it
// stays placed.
func (s *Somebody) Order(replica int, event string, h Hold) (o Order) {
	s.c.t.Helper()
	if a := s.Ask(replica, http.MethodPost, event+"/orders", h.Offer()); !a.Into(http.StatusAccepted, &o) {
		s.c.t.Fatalf("POST …/orders: %s, want 202", a)
	}
	return o
}

// Look returns the order as it is now, or ends the check.
func (s *Somebody) Look(replica int, id string) (o Order) {
	s.c.t.Helper()
	if a := s.Ask(replica, http.MethodGet, "/api/orders/"+id, ""); !a.Into(http.StatusOK, &o) {
		s.c.t.Fatalf("GET /api/orders/ID: %s, want 200", a)
	}
	return o
}

// endsWithin is how long an order may take from its placing to its end.
const endsWithin = 30 * time.Second

// Await waits until an order has ended in that state and returns it, or ends the
// check.
func (s *Somebody) Await(id, state string) (o Order) {
	s.c.t.Helper()
	if !grade.Soon(endsWithin, func() bool { o = s.Look(0, id); return o.Ended && o.State == state }) {
		s.c.t.Fatalf("an order is %s (%s) after %s, want %s", o.State, o.Reason, endsWithin, state)
	}
	return o
}

// Buy holds, orders and pays, and returns the order with its tickets, or ends
// the check.
func (s *Somebody) Buy(replica int, event, wish string) Order {
	s.c.t.Helper()
	return s.Await(s.Order(replica, event, s.Hold(replica, event, wish)).ID, "done")
}

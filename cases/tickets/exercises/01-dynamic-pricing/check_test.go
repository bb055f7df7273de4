//go:build exercise

package pricing_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"designkits/cases/tickets/exercises"
)

// Of the 500 seats of the theatre the crowd takes half, at a base price of 100
// euros in tier 1 and a rise of 100%.
const (
	base     = 10_000
	opening  = `{"rise":100,"perAccount":50}`
	crowd    = 5 // fans
	each     = 50
	half     = 15_000
	slack    = 200 // of what others hold meanwhile: ten seats
	inCrowds = `{"best":{"seats":50,"together":false}}`
)

// an event as anybody sees it.
type event struct {
	Rise    int
	Prices  map[string]int
	Current map[string]int
}

func look(t *testing.T, fan *exercises.Somebody, replica int, path string) (e event) {
	t.Helper()
	if a := fan.Ask(replica, http.MethodGet, path, ""); !a.Into(http.StatusOK, &e) {
		t.Fatalf("GET of the event: %s", a)
	}
	return e
}

// settles waits until every replica says a price of tier 1 between these.
func settles(t *testing.T, fan *exercises.Somebody, path string, from, to int, when string) {
	t.Helper()
	for replica := range 2 {
		var e event
		if !exercises.Soon(t, func() bool {
			e = look(t, fan, replica, path)
			return e.Current["1"] >= from && e.Current["1"] <= to
		}) {
			t.Errorf("%s replica %d says that tier 1 costs %d now, want %d to %d", when, replica+1, e.Current["1"], from, to)
		}
	}
}

// costs checks what a hold's seats of tier 1 cost each.
func costs(t *testing.T, h exercises.Hold, from, to int, when string) {
	t.Helper()
	sum := 0
	for _, line := range h.Seats {
		sum += line.Price
		if line.Tier == "1" && (line.Price < from || line.Price > to) {
			t.Errorf("%s a seat of tier 1 is held for %d, want %d to %d", when, line.Price, from, to)
		}
	}
	if sum != h.Total {
		t.Errorf("a hold of seats for %d together says that its total is %d", sum, h.Total)
	}
}

// pays orders a hold at a replica and compares what was told with what is charged.
func pays(t *testing.T, fan *exercises.Somebody, replica int, path string, h exercises.Hold, when string) {
	t.Helper()
	if o := fan.Order(replica, path, h); o.Total != h.Total {
		t.Errorf("%s a fan who was told %d is charged %d: a hold is a promise, so its price has to come along from the hold to the order", when, h.Total, o.Total)
	}
}

func TestDynamicPricing(t *testing.T) {
	c := exercises.Start(t)
	path := c.Open(opening)
	early, late, looking := c.Fan(), c.Fan(), c.Fan()

	settles(t, looking, path, base, base, "before anything is held")
	first := early.Hold(0, path, exercises.Best(2, "1"))
	costs(t, first, base, base+slack, "at the start")
	const key = "the-same-attempt"
	var asked, again exercises.Hold
	wish := exercises.Best(2, "1")
	if a := late.Again(key, 0, http.MethodPost, path+"/holds", wish); !a.Into(http.StatusCreated, &asked) {
		t.Fatalf("POST …/holds: %s, want 201", a)
	}

	var fans []*exercises.Somebody
	var holds []exercises.Hold
	for range crowd {
		fans = append(fans, c.Fan())
	}
	holds = rush(t, fans, path)
	settles(t, looking, path, half, half+slack, "with half of the house held")
	if e := look(t, looking, 1, path); e.Prices["1"] != base || e.Rise != 100 {
		t.Errorf("the event says prices of %d and a rise of %d, want its own %d and 100: an organiser who reads it and sends it back must change nothing", e.Prices["1"], e.Rise, base)
	}

	if a := late.Again(key, 1, http.MethodPost, path+"/holds", wish); !a.Into(http.StatusCreated, &again) || again.Total != asked.Total {
		t.Errorf("a request for a hold was told %d, and repeated with its key it is told %d (%d): the answer may have been lost, and the fan must not pay for that", asked.Total, again.Total, a.Status)
	}
	dear := c.Fan()
	high := dear.Hold(1, path, exercises.Best(2, "1"))
	costs(t, high, half, half+slack, "with half of the house held")
	pays(t, late, 0, path, again, "after the prices rose")
	extended(t, early, path, &first)
	pays(t, early, 1, path, first, "after the prices rose")

	for i, h := range holds {
		if a := fans[i].Ask(i, http.MethodDelete, path+"/holds/"+h.Hold, ""); a.Status != http.StatusNoContent {
			t.Fatalf("DELETE of a hold: %s", a)
		}
	}
	settles(t, looking, path, base, base+slack, "after half of the house was let go")
	costs(t, c.Fan().Hold(0, path, exercises.Best(2, "1")), base, base+slack, "after half of the house was let go")
	pays(t, dear, 0, path, high, "after the prices fell")

	changed(t, c, path)
	refused(t, c, path)

	flat := c.Open(`{"perAccount":50}`)
	rush(t, fans[:2], flat)
	settles(t, looking, flat, base, base, "without a rise")
	costs(t, looking.Hold(1, flat, exercises.Best(2, "1")), base, base, "without a rise")
}

// rush makes all fans hold at once, at both replicas.
func rush(t *testing.T, fans []*exercises.Somebody, path string) []exercises.Hold {
	t.Helper()
	holds := make([]exercises.Hold, len(fans))
	var all sync.WaitGroup
	for i, fan := range fans {
		all.Go(func() {
			if a := fan.Ask(i, http.MethodPost, path+"/holds", inCrowds); !a.Into(http.StatusCreated, &holds[i]) {
				t.Errorf("POST …/holds of %d seats: %s, want 201", each, a)
			}
		})
	}
	all.Wait()
	for _, h := range holds {
		costs(t, h, base, half+slack, "while half of the house is taken")
	}
	return holds
}

// extended makes a hold longer at the other replica.
func extended(t *testing.T, fan *exercises.Somebody, path string, h *exercises.Hold) {
	t.Helper()
	var longer exercises.Hold
	if a := fan.Ask(1, http.MethodPost, path+"/holds/"+h.Hold+"/extend", ""); !a.Into(http.StatusOK, &longer) || longer.Total != h.Total {
		t.Errorf("a hold of %d is extended: %d, and its fan is told %d: want 200 and the same price", h.Total, a.Status, longer.Total)
	}
	h.Hold = longer.Hold
}

// changed lets the organiser change the prices under a hold.
func changed(t *testing.T, c *exercises.Case, path string) {
	t.Helper()
	fan := c.Fan()
	h := fan.Hold(0, path, exercises.Best(2, "1"))
	body := c.Event(`{"rise":0,"perAccount":50,"prices":{"1":30000,"2":5000}}`)
	if a := c.Organiser().Ask(1, http.MethodPut, path, body); a.Status != http.StatusOK {
		t.Fatalf("PUT of other prices: %s", a)
	}
	settles(t, fan, path, 30_000, 30_000, "after the organiser has changed the prices")
	pays(t, fan, 1, path, h, "after the organiser has changed the prices")
}

// refused tries rises that can't be.
func refused(t *testing.T, c *exercises.Case, path string) {
	t.Helper()
	for _, rise := range []int{-1, 401} {
		body := c.Event(fmt.Sprintf(`{"rise":%d}`, rise))
		if a := c.Organiser().Ask(0, http.MethodPut, path, body); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("a rise of %d is answered %d, want 422", rise, a.Status)
		}
	}
	if e := look(t, c.Fan(), 0, path); e.Rise != 0 || e.Current["1"] != 30_000 {
		t.Errorf("a rise that was refused has changed the event: %+v", e)
	}
}

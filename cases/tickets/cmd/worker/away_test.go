package main

import (
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/shared/fault/link"
	"designkits/shared/testenv"
)

// all reports whether every order is in one of the states.
func (h *hall) all(states ...tickets.OrderState) bool {
	h.t.Helper()
	for id := range h.orders {
		o, err := h.db.Orders().Order(h.t.Context(), id)
		if err != nil {
			h.t.Fatal(err)
		}
		in := false
		for _, s := range states {
			in = in || o.State == s
		}
		if !in {
			return false
		}
	}
	return true
}

// away replaces a setting by the address of a link that is cut, and returns the
// link.
func (h *hall) away(setting, backend string) *link.Link {
	h.t.Helper()
	way, err := link.Open(testenv.Addr(h.t, backend))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(way.Close)
	h.env = append(h.env, setting+"="+way.Addr())
	way.Cut()
	return way
}

// While Kafka is away orders get their tickets; what fans are told waits.
func TestOrdersGetTheirTicketsWhileKafkaIsAway(t *testing.T) {
	for _, mode := range []string{"orchestration", "choreography"} {
		t.Run(mode, func(t *testing.T) {
			h := openHall(t, "SAGA="+mode)
			way := h.away("KAFKA", "kafka")
			h.place("won", h.hold("a", h.fresh(2), 2*time.Minute), "tok_ok")
			h.worker("")
			testenv.Eventually(t, 4*time.Minute, "the tickets are issued", func() bool { return h.all(tickets.Ticketed) })
			if n, err := h.db.Saga().Unsent(t.Context()); err != nil || n != 5 {
				t.Errorf("%d events wait, %v, want 5", n, err)
			}
			if err := way.Mend(); err != nil {
				t.Fatal(err)
			}
			testenv.Eventually(t, 2*time.Minute, "the fan is told", func() bool { return h.all(tickets.Done) })
			h.audit()
		})
	}
}

// While Redis is away what is held can be bought; what has to be freed there
// waits.
func TestHeldSeatsAreSoldWhileRedisIsAway(t *testing.T) {
	h := openHall(t)
	way := h.away("REDIS", "redis")
	h.place("won", h.hold("a", h.fresh(2), 2*time.Minute), "tok_ok")
	h.worker("")
	testenv.Eventually(t, 2*time.Minute, "the tickets are issued", func() bool { return h.all(tickets.Done) })
	h.place("declined", h.hold("b", h.fresh(1), 2*time.Minute), "tok_declined")
	testenv.Eventually(t, 2*time.Minute, "the seats are to be freed", func() bool { return h.all(tickets.Done, tickets.Releasing) })
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 2*time.Minute, "they are", func() bool { return h.all(tickets.Done, tickets.Cancelled) })
	testenv.Eventually(t, time.Minute, "all fans are told", func() bool { return h.untold(true) == "" })
	h.audit()
}

// PostgreSQL, as a worker sees it, is away in the middle: nothing is lost and
// nothing done twice.
func TestOrdersGoOnOncePostgresIsBack(t *testing.T) {
	h := openHall(t)
	way := h.away("POSTGRES", "postgres")
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	_, exited := h.worker("")
	for round := range 4 {
		h.some(round)
	}
	testenv.Eventually(t, 2*time.Minute, "some orders have gone on", func() bool { return !h.all(tickets.Placed) })
	way.Cut()
	gone := time.Now()
	testenv.Eventually(t, time.Minute, "leases are over", func() bool { return time.Since(gone) > 2*time.Second })
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 4*time.Minute, "all orders have ended", h.look)
	testenv.Eventually(t, time.Minute, "all fans are told", func() bool { return h.untold(true) == "" })
	select {
	case <-exited:
		t.Error("the worker has ended")
	default:
	}
	h.audit()
}

// Orders wait for a provider that is away, and nothing is charged twice then.
func TestOrdersWaitForTheProvider(t *testing.T) {
	h := openHall(t)
	var address string
	for _, setting := range h.env {
		if url, ok := strings.CutPrefix(setting, "PROVIDER=http://"); ok {
			address = url
		}
	}
	way, err := link.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	way.Cut()
	h.env = append(h.env, "PROVIDER=http://"+way.Addr())
	h.place("won", h.hold("a", h.fresh(2), 2*time.Minute), "tok_ok")
	h.worker("")
	testenv.Eventually(t, 2*time.Minute, "a step has failed", func() bool {
		n, err := h.db.Saga().InTrouble(t.Context())
		return err == nil && n == 1
	})
	if !h.all(tickets.Placed) {
		t.Error("the order has gone on")
	}
	if err := way.Mend(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 2*time.Minute, "the order is done", func() bool { return h.all(tickets.Done) })
	h.audit()
}

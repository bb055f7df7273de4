package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/identity"
	"designkits/shared/casetest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

// A killing is the case without its edge, of which a replica of booking is killed.
type killing struct {
	t     *testing.T
	c     *rig.Case
	event tickets.EventID
	db    *postgres.DB
	fans  [2]*client.Client // of each replica, without a session
}

// payFor is how long an order's seats are kept for its payment.
const payFor = 20 * time.Second

func startKilling(t *testing.T) *killing {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections) // after the case has stopped
	k := &killing{t: t, c: casetest.Start(t, rig.Options{Only: []string{"booking", "payments", "worker"}, Env: map[string]string{
		"SESSION_SECRET": secret, "ORGANISER_SECRET": secret, "PROVIDER_KEY": secret, "PAY_FOR": payFor.String(), "SHIPPED": "false",
	}})}
	var err error
	if k.db, err = postgres.Open(t.Context(), postgres.Config{Addr: testenv.Addr(t, "postgres"), Namespace: k.c.Namespace, Timeout: 20 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.db.Close)
	k.event = tickets.EventID("killed-" + k.c.Namespace) // the locks of PostgreSQL know no namespace
	if err := k.db.Events().Put(t.Context(), tickets.Event{
		ID: k.event, Name: "A play", Venue: "theatre", Starts: time.Now().Add(10 * time.Hour), OnSale: time.Now(), Currency: "EUR",
		Prices: map[string]tickets.Cents{"1": 1000, "2": 500}, PerAccount: 4, HoldFor: 10 * time.Second, MaxHold: 10 * time.Minute,
	}); err != nil {
		t.Fatal(err)
	}
	for n := range k.fans {
		if k.fans[n], err = client.New("http://" + k.c.Addr(fmt.Sprint("booking-", n+1))); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(k.fans[n].Close)
		testenv.Eventually(t, time.Minute, "the replicas know the event", func() bool {
			_, err := k.fans[n].Event(t.Context(), k.event)
			return err == nil
		})
	}
	return k
}

// A buyer holds two seats and orders them by one key.
type buyer struct {
	token string
	seats []tickets.SeatID
	offer client.Offer
}

func (k *killing) holds(account tickets.Account, seats ...tickets.SeatID) buyer {
	k.t.Helper()
	token, _, err := identity.Sessions{Secret: []byte(secret), Now: time.Now}.Sign(account, identity.Fan)
	if err != nil {
		k.t.Fatal(err)
	}
	h, err := k.fans[0].As(token).Hold(k.t.Context(), k.event, client.NewKey(), "", client.Wish{Seats: seats})
	if err != nil {
		k.t.Fatal(err)
	}
	return buyer{token, seats, client.Offer{Hold: h.Hold, Source: "tok_ok"}}
}

// order orders at a replica.
func (k *killing) order(replica int, b buyer) (client.Order, error) {
	return k.fans[replica].As(b.token).Order(k.t.Context(), k.event, "order", b.offer)
}

// orderOnce orders at the first replica until that dies, and not again then. Where
// PostgreSQL keeps the replica waiting for too long nothing is written, and it is
// asked again.
func (k *killing) orderOnce(ctx context.Context, b buyer) error {
	body, err := json.Marshal(b.offer)
	if err != nil {
		return err
	}
	alone := &http.Transport{DisableKeepAlives: true} // what fails on a connection of its own isn't sent again
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.c.Addr("booking-1")+"/api/events/"+string(k.event)+"/orders", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header = http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"order"}, "Authorization": {"Bearer " + b.token}}
		resp, err := alone.RoundTrip(req)
		if err != nil {
			return nil // it is dead
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read
		if err != nil {
			return nil
		}
		if resp.StatusCode != http.StatusServiceUnavailable {
			return fmt.Errorf("an order that can't be written is answered %s %s", resp.Status, text)
		}
	}
}

// waiting is how many transactions wait for the lock that each order of the event
// takes first.
func waiting(t *testing.T, conn *pgx.Conn, event tickets.EventID) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `
		SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
		AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 3)`, event).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A replica dies after it has made two holds longer and before it has written their
// orders. One fan asks again, and gets the tickets; the other never does: those seats
// are free after PAY_FOR, and whoever holds them next buys them. No seat is sold twice.
func TestKill9BetweenAHoldAndItsOrderLosesNothing(t *testing.T) {
	k := startKilling(t)
	ann, bob := k.holds("ann", "stalls/A/1", "stalls/A/2"), k.holds("bob", "stalls/C/1", "stalls/C/2")
	conn, err := pgx.Connect(t.Context(), "postgres://kit@"+testenv.Addr(t, "postgres")+"/kit?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	lock := func(what string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), `SELECT `+what+`(hashtextextended($1, 3))`, k.event); err != nil {
			t.Fatal(err)
		}
	}
	lock("pg_advisory_lock") // as a move of the event would
	asking, stop := context.WithCancel(t.Context())
	defer stop()
	var orders errgroup.Group
	for _, b := range []buyer{ann, bob} {
		orders.Go(func() error { return k.orderOnce(asking, b) })
	}
	testenv.Eventually(t, time.Minute, "both orders are about to be written", func() bool { return waiting(t, conn, k.event) == 2 })
	kept := time.Now().Add(payFor)
	if err := k.c.Kill(t.Context(), "booking-1"); err != nil {
		t.Fatal(err)
	}
	if err := orders.Wait(); err != nil {
		t.Fatal(err)
	}
	lock("pg_advisory_unlock")
	testenv.Eventually(t, time.Minute, "PostgreSQL has given the dead one's transactions up", func() bool { return waiting(t, conn, k.event) == 0 })

	placed, err := k.order(1, ann)
	if err != nil {
		t.Fatalf("ann asks again, %s before her seats are free: %v", time.Until(kept), err)
	}
	if again, err := k.order(0, ann); err != nil || again.ID != placed.ID {
		t.Errorf("and again: %s, %v, want %s", again.ID, err, placed.ID)
	}
	cy := k.nextHolds("cy", bob, kept)
	bought, err := k.order(1, cy)
	if err != nil {
		t.Fatal(err)
	}
	if late, err := k.order(0, bob); !client.Is(err, "hold-over") {
		t.Errorf("bob asks again when his seats are cy's: %s, %v", late.ID, err)
	}
	for _, o := range []struct {
		id tickets.OrderID
		by buyer
	}{{placed.ID, ann}, {bought.ID, cy}} {
		k.hasTickets(o.id, o.by)
	}
	k.audit(2, 4)
}

// nextHolds holds the seats of a buyer for another account as soon as they are free.
func (k *killing) nextHolds(account tickets.Account, of buyer, kept time.Time) buyer {
	k.t.Helper()
	token, _, err := identity.Sessions{Secret: []byte(secret), Now: time.Now}.Sign(account, identity.Fan)
	if err != nil {
		k.t.Fatal(err)
	}
	next := buyer{token: token, seats: of.seats}
	testenv.Eventually(k.t, 2*time.Minute, "the seats that nobody has paid for are free", func() bool {
		h, err := k.fans[1].As(token).Hold(k.t.Context(), k.event, client.NewKey(), "", client.Wish{Seats: of.seats})
		if err != nil && !client.Is(err, "seats-taken") {
			k.t.Fatal(err)
		}
		next.offer = client.Offer{Hold: h.Hold, Source: "tok_ok"}
		return err == nil
	})
	if early := time.Until(kept) - payFor/2; early > 0 {
		k.t.Errorf("they are free %s before half of their time for payment is over: they weren't kept for the order", early)
	}
	return next
}

// hasTickets waits until an order is done, and looks at its tickets.
func (k *killing) hasTickets(id tickets.OrderID, by buyer) {
	k.t.Helper()
	var o client.Order
	testenv.Eventually(k.t, 2*time.Minute, "the order is done", func() bool {
		var err error
		if o, err = k.fans[1].As(by.token).Look(k.t.Context(), id); err != nil {
			k.t.Fatal(err)
		}
		return o.Ended
	})
	got := map[tickets.SeatID]bool{}
	for _, ticket := range o.Tickets {
		got[ticket.Seat] = true
	}
	if o.State != tickets.Done || len(o.Tickets) != len(by.seats) || !got[by.seats[0]] || !got[by.seats[1]] {
		k.t.Errorf("the order of %v is %s, with tickets for %v", by.seats, o.State, got)
	}
}

// audit compares all books.
func (k *killing) audit(orders, sold int) {
	k.t.Helper()
	bank, err := provider.Open(provider.Config{URL: "http://" + k.c.Addr("payments"), Key: secret})
	if err != nil {
		k.t.Fatal(err)
	}
	defer bank.Close()
	balance, err := k.db.Books(bank).Event(k.t.Context(), k.event)
	if err != nil || len(balance.Faults) > 0 {
		k.t.Errorf("%v\n%s", err, strings.Join(balance.Faults, "\n"))
	}
	if balance.Orders != orders || balance.Sold != sold {
		k.t.Errorf("the books have %d orders and %d seats sold, want %d and %d", balance.Orders, balance.Sold, orders, sold)
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	client "designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/provider"
	"designkits/shared/testenv"
)

const (
	apiKey = "the seller's key"
	secret = "the webhook's secret"
)

// A hall is a sale with everything but its workers, which the test starts, and
// kills.
type hall struct {
	t      *testing.T
	env    []string
	db     *postgres.DB
	claims tickets.Claims
	bank   *client.Provider
	event  tickets.Event
	seats  int // handed out so far
	orders map[tickets.OrderID]string
	asked  map[tickets.OrderID]bool // for a refund
}

func openHall(t *testing.T, env ...string) *hall {
	t.Helper()
	namespace := testenv.Namespace(t)
	db, err := postgres.Open(t.Context(), postgres.Config{Addr: testenv.Addr(t, "postgres"), Namespace: namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	seats := redis.Open(testenv.Addr(t, "redis"), namespace)
	t.Cleanup(func() { _ = seats.Close(context.Background()) })
	url := startProvider(t, db)
	bank, err := client.Open(client.Config{URL: url, Key: apiKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bank.Close)
	return &hall{
		t: t, db: db, claims: seats.Claims(db.Sales()), bank: bank,
		event: tickets.Event{ID: "show", Currency: "EUR", Prices: map[string]tickets.Cents{"1": 5000}, PerAccount: 9},
		env: append(os.Environ(), append([]string{
			"LISTEN=127.0.0.1:0", "WORKER=one", "POSTGRES=" + testenv.Addr(t, "postgres"), "REDIS=" + testenv.Addr(t, "redis"), "KAFKA=" + testenv.Addr(t, "kafka"),
			"NAMESPACE=" + namespace, "PROVIDER=" + url, "PROVIDER_KEY=" + apiKey, "LEASE=1s"}, env...)...),
		orders: map[tickets.OrderID]string{}, asked: map[tickets.OrderID]bool{},
	}
}

// startProvider starts a provider that tells its news twice and in any order.
func startProvider(t *testing.T, db *postgres.DB) string {
	t.Helper()
	inbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			var n payments.Notice
			if n, err = payments.Verify([]byte(secret), r.Header.Get(payments.SignatureHeader), body, time.Now()); err == nil {
				err = db.Saga().Notice(r.Context(), n)
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(inbox.Close)
	draining := make(chan struct{})
	p, err := provider.Open(provider.Config{
		Journal: filepath.Join(t.TempDir(), "journal"), Key: apiKey, Webhook: inbox.URL, Secret: []byte(secret),
		Behaviour: provider.Behaviour{
			SlowAfter: provider.Duration(time.Second), DuplicateRate: 0.5, ReorderRate: 0.5, ReorderWithin: provider.Duration(300 * time.Millisecond),
		},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Draining: draining,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	server := httptest.NewServer(p.Handler())
	t.Cleanup(func() {
		close(draining)
		server.Close()
		cancel()
		<-ended
		_ = p.Close()
	})
	return server.URL
}

// worker starts one. Exited is closed when it has ended.
func (h *hall) worker(dieAt string) (cmd *exec.Cmd, exited <-chan struct{}) {
	h.t.Helper()
	cmd = exec.Command(binary)
	cmd.Env = append(h.env, "DIE_AT="+dieAt)
	cmd.Stderr = h.t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	h.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	return cmd, done
}

// hold holds so many seats that nobody had.
func (h *hall) hold(name string, seats []tickets.SeatID, d time.Duration) tickets.Grant {
	h.t.Helper()
	var g tickets.Grant
	testenv.Eventually(h.t, time.Minute, "the seats are held", func() bool {
		var err error
		g, err = h.claims.Hold(h.t.Context(), tickets.Claim{Hold: tickets.HoldID(name), Event: h.event.ID, Account: tickets.Account("of-" + name), Seats: seats, For: d})
		if err != nil && !tickets.Expected(err) {
			h.t.Fatal(err)
		}
		return err == nil
	})
	return g
}

func (h *hall) fresh(n int) (seats []tickets.SeatID) {
	for range n {
		h.seats++
		seats = append(seats, tickets.SeatID(fmt.Sprintf("a/A/%d", h.seats)))
	}
	return seats
}

// place orders a grant.
func (h *hall) place(kind string, g tickets.Grant, source string) {
	h.t.Helper()
	id := tickets.OrderID("order-" + g.Hold)
	o, err := tickets.NewOrder(id, h.event, g, func(tickets.SeatID) string { return "1" }, nil, source, time.Now())
	if err == nil {
		_, err = h.db.Orders().Place(h.t.Context(), tickets.Request{Account: g.Account, Key: "place"}, o, h.event)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.orders[id] = kind
}

// long is how long a hold lasts that isn't to end before a worker comes to its order,
// of which many are killed.
const long = 10 * time.Minute

// some places an order of each kind.
func (h *hall) some(round int) {
	h.t.Helper()
	name := func(kind string) string { return fmt.Sprintf("%s-%d", kind, round) }
	h.place("good", h.hold(name("good"), h.fresh(2), long), "tok_ok")
	h.place("declined", h.hold(name("declined"), h.fresh(1), long), "tok_declined")
	h.place("refused", h.hold(name("refused"), h.fresh(1), long), "4242 4242 4242 4242") // is no token
	h.place("unanswered", h.hold(name("unanswered"), h.fresh(1), long), "tok_timeout")
	h.place("slow", h.hold(name("slow"), h.fresh(1), long), "tok_slow")
	h.place("late", h.hold(name("late"), h.fresh(1), time.Millisecond), "tok_ok") // nobody else wants it
	contested := h.fresh(1)
	lost := h.hold(name("lost"), contested, time.Millisecond)
	won := h.hold(name("won"), contested, long)
	h.place("lost", lost, "tok_ok")
	h.place("won", won, "tok_ok")
}

// wants is how an order of a kind ends.
var wants = map[string]tickets.OrderState{
	"good": tickets.Done, "declined": tickets.Cancelled, "refused": tickets.Cancelled, "unanswered": tickets.Done, "slow": tickets.Done, "late": tickets.Done, "lost": tickets.Cancelled, "won": tickets.Done,
}

// look asks for a refund of one seat of each good order that is done, and
// reports whether all is settled.
func (h *hall) look() bool {
	h.t.Helper()
	settled := true
	for id, kind := range h.orders {
		o, err := h.db.Orders().Order(h.t.Context(), id)
		if err != nil {
			h.t.Fatal(err)
		}
		if kind == "good" && o.State == tickets.Done && !h.asked[id] {
			h.asked[id], settled = true, false
			if _, err := h.db.Orders().Refund(h.t.Context(), tickets.Request{Account: o.Grant.Account, Key: "refund"}, id, o.Grant.Seats[:1]); err != nil {
				h.t.Fatal(err)
			}
		}
		if o.State.Ended() && o.State != wants[kind] {
			h.t.Fatalf("the order %s ended %s: %s", id, o.State, o.Reason)
		}
		settled = settled && o.State.Ended()
	}
	return settled
}

// audit compares all books.
func (h *hall) audit() {
	h.t.Helper()
	balance, err := h.db.Books(h.bank).Event(h.t.Context(), h.event.ID)
	if err != nil || len(balance.Faults) > 0 {
		h.t.Errorf("%v\n%s", err, strings.Join(balance.Faults, "\n"))
	}
	if balance.Orders != len(h.orders) {
		h.t.Errorf("%d orders, %d were placed", balance.Orders, len(h.orders))
	}
	if order := h.untold(false); order != "" {
		h.t.Errorf("the fan of %s was told too often", order)
	}
}

// untold returns an order of which its fan has another number of messages than
// he should: one, and of a refund another; or only fewer.
func (h *hall) untold(fewer bool) tickets.OrderID {
	h.t.Helper()
	for id, kind := range h.orders {
		told, err := h.db.Messages().OfAccount(h.t.Context(), tickets.Account("of-"+strings.TrimPrefix(string(id), "order-")))
		if err != nil {
			h.t.Fatal(err)
		}
		want := 1
		if kind == "good" {
			want = 2
		}
		if len(told) < want || !fewer && len(told) > want {
			return id
		}
	}
	return ""
}

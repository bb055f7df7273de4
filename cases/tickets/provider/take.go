package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
	"designkits/shared/httpjson"
)

// The sources there are.
const (
	sourceOK       = "tok_ok"
	sourceDeclined = "tok_declined"
	sourceSlow     = "tok_slow"
	sourceLate     = "tok_late"
	sourceTimeout  = "tok_timeout"
)

// authorise makes a payment.
func (p *Provider) authorise(w http.ResponseWriter, r *http.Request) error {
	var c payments.Charge
	if err := httpjson.Read(w, r, maxBody, &c); err != nil {
		return err
	}
	if err := checkCharge(c); err != nil {
		return err
	}
	return p.take(w, r, request{status: http.StatusCreated, content: c, unanswered: c.Source == sourceTimeout,
		apply: func(l *ledger) (held, error) { return l.added(p.charge(c, time.Now().UTC())) }})
}

// charge is a new payment.
func (p *Provider) charge(c payments.Charge, now time.Time) held {
	h := held{Payment: payments.Payment{
		ID: newID("pay"), Order: c.Order, Amount: c.Amount, Currency: c.Currency, Status: payments.Authorised, Version: 1,
	}}
	b := p.behaviour.Load()
	switch {
	case c.Source == sourceDeclined:
		h.Status, h.Reason = payments.Declined, "card_declined"
	case c.Source == sourceSlow:
		h.Status, h.Decide = payments.Pending, now.Add(time.Duration(b.SlowAfter))
	case c.Source == sourceLate:
		h.Status, h.Decide = payments.Pending, now.Add(time.Duration(b.LateAfter))
	case c.Source == sourceOK && happens(b.DeclineRate):
		h.Status, h.Reason = payments.Declined, "insufficient_funds"
	}
	return h
}

func (p *Provider) capture(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, request{status: http.StatusOK,
		apply: func(l *ledger) (held, error) { return l.moved(r.PathValue("id"), payments.Captured) }})
}

func (p *Provider) void(w http.ResponseWriter, r *http.Request) error {
	return p.take(w, r, request{status: http.StatusOK,
		apply: func(l *ledger) (held, error) { return l.moved(r.PathValue("id"), payments.Voided) }})
}

func (p *Provider) refund(w http.ResponseWriter, r *http.Request) error {
	var c struct {
		Amount tickets.Cents `json:"amount"`
	}
	if err := httpjson.Read(w, r, maxBody, &c); err != nil {
		return err
	}
	return p.take(w, r, request{status: http.StatusOK, content: c,
		apply: func(l *ledger) (held, error) { return l.refunded(r.PathValue("id"), c.Amount) }})
}

// A request is one that changes something.
type request struct {
	status     int // of the answer
	content    any // what the body said
	unanswered bool
	apply      func(*ledger) (held, error)
}

// take does what a request asks for, once for its key, and answers it or not. It
// takes effect also when the caller has given up meanwhile.
func (p *Provider) take(w http.ResponseWriter, r *http.Request, q request) error {
	key := r.Header.Get("Idempotency-Key")
	if !keys.MatchString(key) {
		return &tickets.Invalid{Field: "Idempotency-Key", Reason: "send this header with 1 to 255 printable characters without spaces"}
	}
	content, err := json.Marshal(q.content)
	if err != nil {
		return fmt.Errorf("read the request again: %w", err)
	}
	sum := sha256.Sum256(append([]byte(r.URL.Path+"\n"), content...))
	fingerprint := hex.EncodeToString(sum[:])

	b := p.behaviour.Load()
	p.wait(b.sampleLatency())
	var told answer
	var repeated bool
	err = p.change(unbroken(r), func(l *ledger) (_ entry, err error) {
		if told, repeated, err = l.repeated(key, fingerprint); repeated || err != nil {
			return entry{}, err
		}
		if l.full() {
			return entry{}, errFull
		}
		h, err := q.apply(l)
		if err != nil {
			return entry{}, err
		}
		told = answer{Key: key, Request: fingerprint, At: time.Now().UTC(), Payment: h.Payment}
		return p.changed(h, &told), nil
	})
	if err != nil {
		return err
	}
	if repeated {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	if q.unanswered && !repeated || happens(b.TimeoutRate) {
		p.keepSilent(r)
	}
	return httpjson.Write(w, q.status, told.Payment)
}

// silence is how long a caller who isn't answered is kept.
const silence = time.Minute

// keepSilent never answers: it returns no more, and cuts the connection when the
// caller has given up or the process stops.
func (p *Provider) keepSilent(r *http.Request) {
	timer := time.NewTimer(silence)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-p.cfg.Draining:
	case <-timer.C:
	}
	panic(http.ErrAbortHandler) // net/http's way to end without an answer
}

// wait waits, or less when the process stops.
func (p *Provider) wait(d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.cfg.Draining:
	}
}

// unbroken is the request's context without its end.
func unbroken(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }

// Bounds of a request.
const (
	maxBody   = 4 << 10
	maxAmount = tickets.Cents(1_000_000_00)
	maxOrder  = 64
)

var (
	keys       = regexp.MustCompile(`^[!-~]{1,255}$`)
	currencies = regexp.MustCompile(`^[A-Z]{3}$`)
)

func checkCharge(c payments.Charge) error {
	switch {
	case c.Order == "" || len(c.Order) > maxOrder:
		return &tickets.Invalid{Field: "order", Reason: fmt.Sprintf("must be there and at most %d bytes", maxOrder)}
	case c.Amount < 0 || c.Amount > maxAmount:
		return &tickets.Invalid{Field: "amount", Reason: fmt.Sprintf("must be from 0 to %d", maxAmount)}
	case !currencies.MatchString(c.Currency):
		return &tickets.Invalid{Field: "currency", Reason: "must be a code of three capital letters like EUR"}
	}
	switch c.Source {
	case sourceOK, sourceDeclined, sourceSlow, sourceLate, sourceTimeout:
		return nil
	}
	return &tickets.Invalid{Field: "source", Reason: "is no token: use tok_ok, tok_declined, tok_slow, tok_late or tok_timeout"}
}

// newID returns a name that nobody can guess: "pay_…".
func newID(kind string) string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return kind + "_" + hex.EncodeToString(b[:])
}

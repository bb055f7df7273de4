package provider

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
	"designkits/shared/httpjson"
	"designkits/shared/problem"
)

// errKey refuses whoever doesn't know the key.
var errKey = errors.New("send the API key as \"Authorization: Bearer KEY\"")

// Handler returns the API.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"POST /v1/payments":              p.authorise,
		"POST /v1/payments/{id}/capture": p.capture,
		"POST /v1/payments/{id}/void":    p.void,
		"POST /v1/payments/{id}/refunds": p.refund,
		"GET /v1/payments/{id}":          p.get,
		"GET /v1/admin/behaviour":        p.behaves,
		"PUT /v1/admin/behaviour":        p.behave,
	} {
		mux.Handle(pattern, p.handle(pattern, serve))
	}
	return mux
}

// handle checks the key, bounds what is under way, and answers errors.
func (p *Provider) handle(pattern string, serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	want := sha256.Sum256([]byte("Bearer " + p.cfg.Key))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, status := time.Now(), "none" // an answer that is lost is a panic
		defer func() { p.cfg.Observer.Request(pattern, status, time.Since(began)) }()
		err := errFull
		select {
		case p.requests <- struct{}{}:
			defer func() { <-p.requests }()
			got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
			if err = errKey; subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
				err = serve(w, r)
			}
		default:
		}
		if err == nil {
			status = "ok"
			return
		}
		refused := problemOf(err)
		if status = strconv.Itoa(refused.Status); refused.Status >= 500 && !errors.Is(err, errFull) { // a flood isn't logged
			p.cfg.Log.Error(refused.Title, "request", pattern, "error", err.Error())
		}
		problem.Write(w, refused)
	})
}

// problemOf says how an error is answered.
func problemOf(err error) problem.Problem {
	if bad, ok := httpjson.ProblemOf(err); ok {
		return bad
	}
	p := func(status int, slug, title string) problem.Problem {
		return problem.Problem{Type: "/problems/" + slug, Title: title, Status: status, Detail: err.Error()}
	}
	var invalid *tickets.Invalid
	switch {
	case errors.Is(err, errKey):
		return p(http.StatusUnauthorized, "no-key", "An API key is needed")
	case errors.Is(err, payments.ErrUnknown):
		return p(http.StatusNotFound, "no-such-payment", "There is no such payment")
	case errors.Is(err, payments.ErrConflict):
		return p(http.StatusConflict, "conflict", "The payment isn't in a state for that")
	case errors.Is(err, errKeyReused):
		return p(http.StatusUnprocessableEntity, "key-reused", "The key was used for something else")
	case errors.As(err, &invalid):
		v := p(http.StatusUnprocessableEntity, "invalid-input", "The input was refused")
		v.Field, v.Detail = invalid.Field, invalid.Reason
		return v
	}
	v := p(http.StatusServiceUnavailable, "unavailable", "The provider can't do that now")
	v.Detail, v.RetryAfter = "try again in a moment, with the same key", time.Second
	return v
}

// get answers with a payment as it is now.
func (p *Provider) get(w http.ResponseWriter, r *http.Request) error {
	p.wait(p.behaviour.Load().sampleLatency())
	var found held
	err := p.change(unbroken(r), func(l *ledger) (_ entry, err error) {
		found, err = l.payment(r.PathValue("id"))
		return entry{}, err
	})
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, found.Payment)
}

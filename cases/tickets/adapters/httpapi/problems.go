package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/receipt"
	"designkits/cases/tickets/room"
	"designkits/cases/tickets/seatmap"
	"designkits/shared/httpjson"
	"designkits/shared/problem"
)

// Errors of requests, beside those of the domain.
var (
	errCrossOrigin = errors.New("this request comes from another site's page: ask from a program, or from this site's own page")
	errNoRoute     = errors.New("the API is described at /api/openapi.yaml")
	errRole        = errors.New("this session's role may not do that")
	errSecret      = errors.New("that isn't the secret of this role")
	errNoKey       = errors.New("send an Idempotency-Key of 1 to 100 characters, a new one for each attempt to do something and the same one when you repeat it")
	errNoPass      = errors.New("this event is sold through its waiting room: send the pass that it gives as the header Pass")
	errMaxHold     = errors.New("the seats have been held for as long as this event allows: pay, or let them go")
	errNotSoldOut  = errors.New("there are seats: hold some")
	errWatchers    = errors.New("too many pages follow the seats here: try again in a moment")
)

// A notAllowed is a method that a route doesn't have.
type notAllowed struct{ allow string }

func (e *notAllowed) Error() string { return "possible here: " + e.allow }

// A notOnSale is an event whose seats can't be had now.
type notOnSale struct {
	from time.Time
	wait time.Duration // 0 when it is over
}

func (e *notOnSale) Error() string {
	if e.wait == 0 {
		return "the event has begun: seats aren't sold any more"
	}
	return "the sale begins at " + e.from.UTC().Format(time.RFC3339)
}

// An orphans error is a choice that leaves single seats.
type orphans struct{ seats []tickets.SeatID }

func (e *orphans) Error() string {
	return "that would leave a single seat free, " + join(e.seats) + ": take it too, or move by one"
}

func join(seats []tickets.SeatID) string {
	var names []string
	for _, s := range seats {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// kinds says how an error is answered that needs nothing but words. Types are
// stable: programs branch on them.
var kinds = []struct {
	err    error
	status int
	slug   string
	title  string
}{
	{identity.ErrNoSession, http.StatusUnauthorized, "no-session", "A session is needed"},
	{identity.ErrExpired, http.StatusUnauthorized, "session-expired", "The session has expired"},
	{errCrossOrigin, http.StatusForbidden, "cross-origin", "Other sites may not ask for this"},
	{errRole, http.StatusForbidden, "role", "The session's role may not do that"},
	{errSecret, http.StatusForbidden, "secret", "The secret is wrong"},
	{errNoPass, http.StatusForbidden, "pass-needed", "A pass is needed"},
	{room.ErrNoPass, http.StatusForbidden, "pass-invalid", "The pass is not valid"},
	{room.ErrPassExpired, http.StatusForbidden, "pass-expired", "The pass has expired"},
	{room.ErrForeignPass, http.StatusForbidden, "pass-foreign", "The pass belongs to another"},
	{receipt.ErrForged, http.StatusNotFound, "no-such-hold", "There is no such hold"},
	{receipt.ErrForeign, http.StatusNotFound, "no-such-hold", "There is no such hold"},
	{payments.ErrForged, http.StatusUnauthorized, "signature", "The notice isn't the provider's"},
	{payments.ErrStale, http.StatusUnauthorized, "signature", "The notice isn't the provider's"},
	{errNoKey, http.StatusBadRequest, "key-needed", "An idempotency key is needed"},
	{tickets.ErrKeyReused, http.StatusUnprocessableEntity, "key-reused", "The idempotency key was used for another request"},
	{tickets.ErrUnknown, http.StatusNotFound, "unknown", "There is none of that name"},
	{tickets.ErrNotWaiting, http.StatusNotFound, "not-waiting", "The account doesn't wait"},
	{errNoRoute, http.StatusNotFound, "no-such-page", "There is nothing here"},
	{tickets.ErrGone, http.StatusGone, "hold-over", "The hold is over"},
	{errMaxHold, http.StatusConflict, "held-long-enough", "The hold can't be extended any more"},
	{tickets.ErrOrdered, http.StatusConflict, "ordered", "There is an order of this hold already"},
	{tickets.ErrRevoked, http.StatusConflict, "ticket-revoked", "The ticket was given back"},
	{tickets.ErrMoving, http.StatusConflict, "moving", "The event is being moved"},
	{errNotSoldOut, http.StatusConflict, "not-sold-out", "The event isn't sold out"},
}

// problemOf says how an error is answered. It is the only place that does.
func problemOf(err error) problem.Problem {
	p := func(status int, slug, title string) problem.Problem {
		return problem.Problem{Type: "/problems/" + slug, Title: title, Status: status, Detail: err.Error()}
	}
	if bad, ok := httpjson.ProblemOf(err); ok {
		return bad
	}
	if invalid, ok := errors.AsType[*tickets.Invalid](err); ok {
		v := p(http.StatusUnprocessableEntity, "invalid-input", "The input was refused")
		v.Field, v.Detail = invalid.Field, invalid.Reason
		return v
	}
	if early, ok := errors.AsType[*notOnSale](err); ok {
		v := p(http.StatusConflict, "not-on-sale", "The event is not on sale")
		v.RetryAfter = early.wait
		return v
	}
	if often, ok := errors.AsType[*bots.HeldTooOften](err); ok {
		v := p(http.StatusTooManyRequests, "too-many-holds", "Seats were held too often")
		v.RetryAfter = often.RetryAfter
		return v
	}
	switch {
	case is[*orphans](err):
		v := p(http.StatusUnprocessableEntity, "orphan-seat", "A single seat would be left")
		v.Field = "seats"
		return v
	case is[*tickets.Taken](err):
		return p(http.StatusConflict, "seats-taken", "Somebody else has these seats")
	case is[*seatmap.NoneLeft](err):
		return p(http.StatusConflict, "none-left", "There are no such seats any more")
	case is[*tickets.OverLimit](err):
		return p(http.StatusConflict, "over-limit", "The account has enough tickets")
	case is[*tickets.Used](err):
		return p(http.StatusConflict, "ticket-used", "The ticket was used")
	case is[*tickets.IllegalMove](err):
		return p(http.StatusConflict, "order-state", "The order is not in a state for that")
	case is[*notAllowed](err):
		return p(http.StatusMethodNotAllowed, "method", "That can't be done here")
	}
	for _, kind := range kinds {
		if errors.Is(err, kind.err) {
			v := p(kind.status, kind.slug, kind.title)
			v.Detail = kind.err.Error()
			return v
		}
	}
	v := p(http.StatusServiceUnavailable, "unavailable", "A store doesn't answer")
	v.Detail, v.RetryAfter = "nothing is known to be wrong with the request: try again in a moment, with the same Idempotency-Key", 2*time.Second
	if errors.Is(err, errWatchers) {
		v.Type, v.Title, v.Detail = "/problems/busy", "Too much is under way", err.Error()
	}
	return v
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

// refuse answers a request that failed.
func (s *Server) refuse(w *recordedAnswer, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the client has gone: nobody reads an answer
	}
	p := problemOf(err)
	if p.Status >= 500 {
		s.Log.ErrorContext(r.Context(), p.Title, "method", r.Method, "path", r.URL.Path, "error", err.Error())
	}
	if w.status != 0 {
		return // the answer has begun already, and says by itself how it ended
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tickets"`)
	}
	if method, ok := errors.AsType[*notAllowed](err); ok {
		w.Header().Set("Allow", method.allow)
	}
	problem.Write(w, p)
}

// unknown answers what no other route does: 405 where another method would have
// been right, else 404.
func (s *Server) unknown(_ http.ResponseWriter, r *http.Request) error {
	var allow []string
	probe := r.Clone(r.Context())
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		probe.Method = method
		if _, pattern := s.mux.Handler(probe); strings.HasPrefix(pattern, method+" /api/") {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		return &notAllowed{strings.Join(allow, ", ")}
	}
	return errNoRoute
}

package gateapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	"designkits/shared/problem"
)

// Errors of requests.
var (
	errCrossOrigin = errors.New("this request comes from another site's page: ask from this site's own page, or from a program")
	errMalformed   = errors.New("the body can't be understood")
	errNoRoute     = errors.New("the waiting room's API is described at /api/room/openapi.yaml")
	errNotAFan     = errors.New("only fans wait: organisers and doors have no place in the room")
	errNoPlace     = errors.New("you have no place in the room: POST /api/room/{event} gives you one")
	errOver        = errors.New("the event has begun: nobody waits any more")

	errWorkFirst = errors.New("solve the challenge and ask again")
	errSpent     = errors.New("the solution was used before")
)

// mustWork says that somebody has to work first.
type mustWork struct {
	challenge bots.Challenge
	why       error
}

func (e *mustWork) Error() string { return e.why.Error() }

// problemOf says how an error is answered. It is the only place that does.
// Types are stable: programs branch on them.
//
// Work is asked for with 428 (RFC 6585, §3): the request is fine and is to be
// sent again with a precondition met, and the answer says how. It isn't 401,
// which is about who asks and makes browsers ask for a password, nor 403, which
// is final, nor 429, which no work makes go away.
func problemOf(err error) problem.Problem {
	p := func(status int, slug, title string) problem.Problem {
		return problem.Problem{Type: "/problems/" + slug, Title: title, Status: status, Detail: err.Error()}
	}
	var work *mustWork
	var often *bots.TooOften
	switch {
	case errors.As(err, &work):
		v := p(http.StatusPreconditionRequired, "work-first", "Some work is needed first")
		v.Detail = "find a solution so that SHA-256 of \"token:solution\" begins with so many zero bits, and send both as \"proof\": " + work.why.Error()
		v.Extra = struct {
			Challenge bots.Challenge `json:"challenge"`
		}{work.challenge}
		return v
	case errors.As(err, &often):
		v := p(http.StatusTooManyRequests, "too-many", "Too many tries")
		v.RetryAfter = often.RetryAfter
		return v
	case errors.Is(err, identity.ErrExpired):
		return p(http.StatusUnauthorized, "session-expired", "The session has expired")
	case errors.Is(err, identity.ErrNoSession):
		return p(http.StatusUnauthorized, "no-session", "A session is needed")
	case errors.Is(err, errNotAFan):
		return p(http.StatusForbidden, "role", "This role can't do that")
	case errors.Is(err, errCrossOrigin):
		return p(http.StatusForbidden, "cross-origin", "Other sites may not ask for this")
	case errors.Is(err, tickets.ErrUnknown):
		v := p(http.StatusNotFound, "no-such-event", "There is no such event")
		v.Detail = "GET /api/events lists them"
		return v
	case errors.Is(err, errNoPlace):
		return p(http.StatusNotFound, "no-place", "You don't wait here")
	case errors.Is(err, errNoRoute):
		return p(http.StatusNotFound, "no-such-page", "There is nothing here")
	case errors.Is(err, errOver):
		return p(http.StatusGone, "over", "The sale is over")
	case errors.Is(err, errMalformed):
		return p(http.StatusBadRequest, "malformed", "The request can't be understood")
	case errors.Is(err, room.ErrMany):
		v := p(http.StatusTooManyRequests, "too-many-streams", "Too many pages of one account")
		v.RetryAfter = 5 * time.Second
		return v
	case errors.Is(err, room.ErrFull):
		v := p(http.StatusServiceUnavailable, "full", "Too many pages are watching")
		v.RetryAfter = 5 * time.Second
		return v
	}
	v := p(http.StatusServiceUnavailable, "unavailable", "The waiting room doesn't answer")
	v.Detail = "places are kept, and nothing is known to be wrong with the request: try again in a moment"
	v.RetryAfter = 2 * time.Second
	return v
}

// refuse answers a request that failed, and returns the problem's name.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) string {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return "gone" // nobody reads an answer
	}
	p := problemOf(err)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tickets"`)
	}
	if p.Type == "/problems/unavailable" {
		s.Log.ErrorContext(r.Context(), p.Title, "method", r.Method, "path", r.URL.Path, "error", err.Error())
	}
	problem.Write(w, p)
	return p.Type[len("/problems/"):]
}

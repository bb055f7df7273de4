package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/httpjson"
	"designkits/shared/problem"
)

// problemOf says how an error is answered. It is the only place that does.
// Types are stable: programs branch on them.
func problemOf(err error) problem.Problem {
	var (
		invalid *shortener.Invalid
		tooMany *shortener.TooMany
		method  *notAllowed
	)
	p := func(status int, slug, title, detail string) problem.Problem {
		return problem.Problem{Type: "/problems/" + slug, Title: title, Status: status, Detail: detail}
	}
	// A value that the domain has refused may have been read by the decoder.
	if v, ok := httpjson.ProblemOf(err); ok && !errors.As(err, &invalid) {
		return v
	}
	switch {
	case errors.As(err, &invalid):
		v := p(http.StatusUnprocessableEntity, "invalid-input", "The input was refused", invalid.Reason)
		v.Field, v.Rule = invalid.Field, invalid.Rule
		return v
	case errors.Is(err, shortener.ErrNoKey):
		return p(http.StatusUnauthorized, "no-key", "The API key is missing or unknown",
			"send a key as \"Authorization: Bearer KEY\"; POST /api/keys makes one")
	case errors.Is(err, errCrossOrigin):
		return p(http.StatusForbidden, "cross-origin", "Other sites may not ask for this", err.Error())
	case errors.Is(err, shortener.ErrNotOwner):
		return p(http.StatusForbidden, "not-owner", "This belongs to somebody else",
			"only the key that a link was made with can see, list or change it")
	case errors.Is(err, shortener.ErrNotFound):
		return p(http.StatusNotFound, "no-such-link", "There is no such link",
			"check the address letter by letter: upper and lower case differ")
	case errors.Is(err, errNoRoute):
		return p(http.StatusNotFound, "no-such-page", "There is nothing here", "the API is described at /api/openapi.yaml")
	case errors.As(err, &method):
		return p(http.StatusMethodNotAllowed, "method", "That can't be done here", "possible here: "+method.allow)
	case errors.Is(err, shortener.ErrExpired):
		return p(http.StatusGone, "expired", "The link has expired", "ask whoever gave it to you for a new one")
	case errors.Is(err, shortener.ErrTaken):
		v := p(http.StatusConflict, "alias-taken", "The alias is taken", "somebody has this alias already: choose another")
		v.Field, v.Rule = "alias", "taken"
		return v
	case errors.Is(err, shortener.ErrLookAlike):
		v := p(http.StatusConflict, "alias-look-alike", "The alias looks like an existing one",
			"people would take it for an alias that somebody has already: choose another")
		v.Field, v.Rule = "alias", "look-alike"
		return v
	case errors.As(err, &tooMany):
		v := p(http.StatusTooManyRequests, "too-many", "Too many requests", tooMany.Error())
		v.RetryAfter = tooMany.RetryAfter
		return v
	case errors.Is(err, shortener.ErrBusy):
		v := p(http.StatusServiceUnavailable, "busy", "Too much is under way", "try again in a moment")
		v.RetryAfter = time.Second
		return v
	case errors.Is(err, errCountsAway):
		v := p(http.StatusServiceUnavailable, "counting-away", "The counting process is away",
			"redirects go on and clicks are kept; try again in a moment")
		v.RetryAfter = 2 * time.Second
		return v
	}
	v := p(http.StatusServiceUnavailable, "unavailable", "This can't be done at the moment", "nothing is known to be wrong with the request: try again in a moment")
	v.RetryAfter = 2 * time.Second
	return v
}

// refuse answers a request of the API that failed.
func (s *Server) refuse(w *recordedAnswer, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the client has gone: nobody reads an answer
	}
	p := problemOf(err)
	s.log(r, p, err)
	if w.status != 0 {
		return // the answer has begun already, and says by itself how it ended
	}
	s.headersOf(w, err)
	problem.Write(w, p)
}

// headersOf are those that a status demands.
func (s *Server) headersOf(w http.ResponseWriter, err error) {
	var method *notAllowed
	switch {
	case errors.Is(err, shortener.ErrNoKey):
		w.Header().Set("WWW-Authenticate", `Bearer realm="shortener"`)
	case errors.As(err, &method):
		w.Header().Set("Allow", method.allow)
	}
}

// log notes what is the service's own fault; what a client did wrong is in the
// metrics.
func (s *Server) log(r *http.Request, p problem.Problem, err error) {
	if p.Status < 500 {
		return
	}
	s.Log.ErrorContext(r.Context(), p.Title, "method", r.Method, "path", r.URL.Path, "error", err.Error())
}

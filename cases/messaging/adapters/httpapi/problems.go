package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/media"
	"designkits/shared/httpjson"
	"designkits/shared/problem"
)

var (
	errCrossOrigin = errors.New("this request comes from another site's page: ask from this site's own page, or from a program")
	errNoRoute     = errors.New("the API's paths are in its OpenAPI file, beside it")
)

// problemOf says how an error is answered. It is the only place that does. Types
// are stable: programs branch on them.
func problemOf(err error) problem.Problem {
	if p, ok := httpjson.ProblemOf(err); ok {
		return p
	}
	p := func(status int, slug, title string) problem.Problem {
		return problem.Problem{Type: "/problems/" + slug, Title: title, Status: status, Detail: err.Error()}
	}
	if often, ok := errors.AsType[*tooOften](err); ok {
		v := p(http.StatusTooManyRequests, "too-often", "Too many tries")
		v.RetryAfter = often.after
		return v
	}
	if bad, ok := errors.AsType[*messaging.Invalid](err); ok {
		v := p(http.StatusUnprocessableEntity, "invalid", "Something in the request can't be")
		v.Field, v.Detail = bad.Field, bad.Reason
		return v
	}
	switch {
	case errors.Is(err, identity.ErrExpired):
		return p(http.StatusUnauthorized, "expired", "The token has expired")
	case errors.Is(err, identity.ErrNoToken):
		v := p(http.StatusUnauthorized, "no-token", "A device's token is needed")
		v.Detail = identity.ErrNoToken.Error()
		return v
	case errors.Is(err, messaging.ErrRevoked):
		return p(http.StatusUnauthorized, "signed-out", "This device was signed out")
	case errors.Is(err, media.ErrNoGrant):
		return p(http.StatusForbidden, "no-grant", "A grant for this upload is needed")
	case errors.Is(err, media.ErrIncomplete):
		return p(http.StatusConflict, "incomplete", "The upload isn't complete")
	case errors.Is(err, errCrossOrigin):
		return p(http.StatusForbidden, "cross-origin", "Other sites may not ask for this")
	case errors.Is(err, errNoRoute):
		return p(http.StatusNotFound, "no-such-page", "There is nothing here")
	case errors.Is(err, messaging.ErrNotFound):
		return p(http.StatusNotFound, "not-found", "There is none")
	case errors.Is(err, messaging.ErrTaken):
		return p(http.StatusConflict, "taken", "The name is taken")
	case errors.Is(err, messaging.ErrTooMany):
		return p(http.StatusConflict, "too-many", "There are too many already")
	case errors.Is(err, messaging.ErrKeyReused):
		return p(http.StatusUnprocessableEntity, "key-reused", "The Idempotency-Key belongs to another request")
	case errors.Is(err, messaging.ErrUnderWay):
		v := p(http.StatusConflict, "under-way", "The same request is being carried out")
		v.RetryAfter = time.Second
		return v
	}
	v := p(http.StatusServiceUnavailable, "unavailable", "A store doesn't answer")
	v.Detail = "nothing is known to be wrong with the request: try again in a moment, with the same Idempotency-Key"
	v.RetryAfter = 2 * time.Second
	return v
}

// refuse answers a request that failed, and returns the problem's name.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) string {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return "gone" // nobody reads an answer
	}
	p := problemOf(err)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="messaging"`)
	}
	if p.Type == "/problems/unavailable" {
		a.Log.ErrorContext(r.Context(), p.Title, "method", r.Method, "path", r.URL.Path, "error", err.Error())
	}
	problem.Write(w, p)
	return p.Type[len("/problems/"):]
}

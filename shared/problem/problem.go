// Package problem writes errors as RFC 9457 problem+json.
//
// A service keeps its problem types in one place and calls Write; the body is
// complete JSON even when the detail holds quotes or line breaks, and the
// status line always agrees with the body.
package problem

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// A Problem is one error as a client sees it. Type is a stable URI reference
// that a program can branch on ("/problems/alias-taken"); Title is the same
// for every problem of a type, Detail is about this one and says what a person
// can do.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance,omitempty"`
	// Field is the input that was refused, as the API names it, and Rule the
	// stable word for the rule it broke.
	Field string `json:"field,omitempty"`
	Rule  string `json:"rule,omitempty"`
	// Extra holds members of this type of problem alone: a struct or a map.
	Extra any `json:"-"`
	// RetryAfter is sent as the Retry-After header, rounded up to seconds.
	RetryAfter time.Duration `json:"-"`
}

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// Write answers the request with p. Problems are never cached.
func Write(w http.ResponseWriter, p Problem) {
	body, err := json.Marshal(p)
	if err == nil && p.Extra != nil {
		body, err = join(body, p.Extra)
	}
	if err != nil { // of Extra: strings and ints always marshal
		http.Error(w, p.Title, p.Status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client may have gone; there is nobody to tell
}

// join adds the members of extra to an object that isn't empty.
func join(object []byte, extra any) ([]byte, error) {
	more, err := json.Marshal(extra)
	if err != nil || string(more) == "{}" {
		return object, err
	}
	return append(append(object[:len(object)-1], ','), more[1:]...), nil
}

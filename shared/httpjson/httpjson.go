// Package httpjson reads and writes the JSON bodies of an API: a request's is
// one object with known members and of bounded size, or it is refused with words
// for a person.
package httpjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"designkits/shared/problem"
)

// Errors of bodies that were not read.
var (
	ErrTooLarge  = errors.New("the body is too large")
	ErrMediaType = errors.New("the body has a media type that is not understood here")
)

// A Malformed is a body that is not what it should be.
type Malformed struct {
	Field  string // "" where it is about the whole
	Reason string
	// Err is the error of a member that decodes itself, if that refused it.
	Err error
}

func (e *Malformed) Error() string { return e.Reason }

// Unwrap returns Err.
func (e *Malformed) Unwrap() error { return e.Err }

// Read reads a body of at most so many bytes: one JSON object with known
// members. It returns ErrMediaType, ErrTooLarge or a *Malformed.
func Read(w http.ResponseWriter, r *http.Request, atMost int64, into any) error {
	body, err := Bytes(w, r, atMost)
	if err != nil {
		return err
	}
	return ReadBody(r, body, into)
}

// ReadBody is Read of a body that Bytes has returned.
func ReadBody(r *http.Request, body []byte, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return fmt.Errorf("%w: send JSON as application/json", ErrMediaType)
	}
	return Parse(body, into)
}

// Bytes reads a body of at most so many bytes, of whatever kind.
func Bytes(w http.ResponseWriter, r *http.Request, atMost int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, atMost))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fmt.Errorf("%w: at most %d bytes", ErrTooLarge, atMost)
	}
	if err != nil {
		return nil, &Malformed{Reason: "the body broke off: send it again"}
	}
	return body, nil
}

// Parse reads one JSON object with known members, and nothing after it. It
// returns a *Malformed.
func Parse(body []byte, into any) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return &Malformed{Reason: "the body must be a JSON object"}
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return explain(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &Malformed{Reason: "there is something after the JSON object"}
	}
	return nil
}

// explain puts the decoder's words into a person's.
func explain(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		return &Malformed{Field: kind.Field, Reason: fmt.Sprintf("%s can't be a JSON %s", kind.Field, kind.Value)}
	case errors.As(err, &syntax):
		return &Malformed{Reason: fmt.Sprintf("the body is no JSON, at byte %d: %s", syntax.Offset, syntax)}
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		name := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		return &Malformed{Field: name, Reason: fmt.Sprintf("%q is not known here", name)}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Malformed{Reason: "the body is no JSON: it ends too early"}
	}
	return &Malformed{Reason: err.Error(), Err: err}
}

// None refuses a body that nobody would read; an empty object is none.
func None(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("%w: this takes none", ErrTooLarge)
	}
	if text := bytes.TrimSpace(body); len(text) > 0 && string(text) != "{}" {
		return &Malformed{Reason: "this takes no body"}
	}
	return nil
}

// Write answers with JSON that nobody keeps.
func Write(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may have gone; there is nobody to tell
	return nil
}

// ProblemOf returns how an error of this package is answered, and false for any
// other.
func ProblemOf(err error) (problem.Problem, bool) {
	if bad, ok := errors.AsType[*Malformed](err); ok {
		return problem.Problem{
			Type: "/problems/malformed", Title: "The request can't be understood", Status: http.StatusBadRequest, Detail: bad.Reason, Field: bad.Field,
		}, true
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		return problem.Problem{Type: "/problems/too-large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge, Detail: err.Error()}, true
	case errors.Is(err, ErrMediaType):
		return problem.Problem{Type: "/problems/media-type", Title: "The media type is not supported", Status: http.StatusUnsupportedMediaType, Detail: err.Error()}, true
	}
	return problem.Problem{}, false
}

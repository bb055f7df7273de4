package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"designkits/cases/shortener"
)

// maxBody is the largest body of a request that isn't bulk, in bytes. The
// longest target has 8 KiB, and escaped as JSON at most six times that.
const maxBody = 64 << 10

// Errors of requests that can't be understood.
var (
	errCrossOrigin = errors.New("this request comes from another site's page: ask from a program, or from this site's own page")
	errTooLarge    = errors.New("the body is too large")
	errMediaType   = errors.New("the body has a media type that is not understood here")
)

// A malformed is a body that is not what it should be.
type malformed struct {
	field  string // "" where it is about the whole
	reason string
}

func (e *malformed) Error() string { return e.reason }

// readJSON reads a body that is exactly one JSON object with known members.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return fmt.Errorf("%w: send JSON as application/json", errMediaType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fmt.Errorf("%w: at most %d bytes", errTooLarge, maxBody)
	}
	if err != nil {
		return &malformed{reason: "the body broke off: send it again"}
	}
	return parseJSON(body, into)
}

// parseJSON reads exactly one JSON object with known members.
func parseJSON(body []byte, into any) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return &malformed{reason: "the body must be a JSON object"}
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return explainJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &malformed{reason: "there is something after the JSON object"}
	}
	return nil
}

// explainJSON puts the decoder's words into a person's.
func explainJSON(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	var invalid *shortener.Invalid
	switch {
	case errors.As(err, &invalid):
		return invalid
	case errors.As(err, &kind):
		return &malformed{kind.Field, fmt.Sprintf("%s can't be a JSON %s", kind.Field, kind.Value)}
	case errors.As(err, &syntax):
		return &malformed{reason: fmt.Sprintf("the body is no JSON, at byte %d: %s", syntax.Offset, syntax)}
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		name := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		return &malformed{name, fmt.Sprintf("%q is not known here", name)}
	}
	return &malformed{reason: "the body is no JSON: it ends too early"}
}

// noBody refuses what nobody would read.
func noBody(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("%w: this takes none", errTooLarge)
	}
	if text := bytes.TrimSpace(body); len(text) > 0 && string(text) != "{}" {
		return &malformed{reason: "this takes no body"}
	}
	return nil
}

// writeJSON answers with JSON that nobody keeps.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may have gone; there is nobody to tell
	return nil
}

// optional tells a member that is absent from one that is null.
type optional[T any] struct {
	set   bool // it is there
	value *T   // nil for null
}

func (o *optional[T]) UnmarshalJSON(text []byte) error {
	o.set = true
	return json.Unmarshal(text, &o.value)
}

// parseTime reads a time of the API.
func parseTime(field, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, &shortener.Invalid{Field: field, Rule: "not-a-time",
			Reason: fmt.Sprintf("%.40q is no time: write it like 2026-01-31T18:00:00Z (RFC 3339)", text)}
	}
	return at, nil
}

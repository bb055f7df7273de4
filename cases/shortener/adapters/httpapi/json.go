package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/httpjson"
)

// maxBody is the largest body of a request that isn't bulk, in bytes. The
// longest target has 8 KiB, and escaped as JSON at most six times that.
const maxBody = 64 << 10

var errCrossOrigin = errors.New("this request comes from another site's page: ask from a program, or from this site's own page")

// readJSON reads the body of a request that isn't bulk.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	return httpjson.Read(w, r, maxBody, into)
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

package shortener

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// A Place is a place in an owner's listing: the links that follow it are older,
// or as old and before it by their codes.
type Place struct {
	Created time.Time
	Code    Code
}

// latestPlace bounds a cursor's time: the year 2248.
const latestPlace = 1 << 43

// Before is the place that everything follows.
func Before() Place { return Place{time.UnixMilli(latestPlace).UTC(), "\U0010ffff"} }

// Cursor writes the place so that a client can hand it back. It is no secret and
// needs no seal: it is only ever looked up in the listing of the one who asks.
func (p Place) Cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.Created.UnixMilli(), 36) + "." + string(p.Code)))
}

// ParseCursor returns the place of a cursor, or a *Invalid.
func ParseCursor(cursor string) (Place, error) {
	invalid := &Invalid{Field: "cursor", Rule: "unknown", Reason: "this is no cursor that a listing has returned: begin without one"}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return Place{}, invalid
	}
	created, code, ok := strings.Cut(string(text), ".")
	millis, err := strconv.ParseInt(created, 36, 64)
	if !ok || err != nil || code == "" || millis < 0 || millis > latestPlace {
		return Place{}, invalid
	}
	return Place{time.UnixMilli(millis).UTC(), Code(code)}, nil
}

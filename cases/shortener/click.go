package shortener

import (
	"context"
	"time"
)

// A Click is one redirect that was served, as it goes into the click log. It
// has no address and no agent string: those are reduced to classes and to a
// salted hash before it is made (see classify.go, visitor.go).
type Click struct {
	// Schema is the record's version, 1.
	Schema int `json:"schema"`
	// ID makes the click countable once however often it is replayed. UUIDv7.
	ID string `json:"id"`
	// Time of the redirect, UTC, to the millisecond: the event time.
	Time time.Time `json:"time"`
	Code Code      `json:"code"`
	// Referrer is the host of the Referer header, or "" for none.
	Referrer string `json:"referrer"`
	// Country is ISO 3166 alpha-2 as the edge says it, or "??".
	Country string `json:"country"`
	// Device is one of desktop, mobile, tablet, tv, bot, other.
	Device string `json:"device"`
	// Browser is a family in lower case ("chrome"), or "other".
	Browser string `json:"browser"`
	Bot     bool   `json:"bot"`
	// Visitor tells two visitors of one day apart and cannot be traced back
	// once the day's salt is gone.
	Visitor string `json:"visitor"`
}

// A Visit is one redirect that was served, as its request showed it: what a
// Click is made of. It never leaves the process.
type Visit struct {
	Code     Code
	Time     time.Time
	Referrer string // the Referer header
	Country  string // the edge's country header
	Agent    string // the User-Agent header
	Address  string // the client's address
}

// A ClickLog is the durable, ordered log that clicks are counted from.
type ClickLog interface {
	// Append writes the clicks in order and returns once all are acknowledged.
	// On an error some may be written all the same: appending them again is
	// safe, since each is counted once by its ID.
	Append(ctx context.Context, clicks []Click) error
}

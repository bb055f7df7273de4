package media

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// A Signed is a request that whoever has it may make, as it is, for a while.
type Signed struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header http.Header `json:"header,omitempty"`
}

// ErrIncomplete is of an upload whose parts aren't all there, or not as they were
// announced.
var ErrIncomplete = errors.New("parts are missing, or aren't what was announced: ask which are there")

// SignedFor is how long a signed request is good.
const SignedFor = 15 * time.Minute

// A Store keeps blobs. All methods may be repeated after an error.
type Store interface {
	// Begin begins an upload and returns the store's name for it.
	Begin(ctx context.Context, id ID) (upload string, err error)
	// SignPart signs the request that puts one part, numbered from 0: these bytes
	// and no others.
	SignPart(ctx context.Context, id ID, upload string, number int, p Part) (Signed, error)
	// Have returns which parts are there as they were announced, by number, or
	// messaging.ErrNotFound of an upload that is completed or dropped.
	Have(ctx context.Context, id ID, upload string, parts []Part) (map[int]bool, error)
	// Complete makes the blob of its parts: ErrIncomplete when some are missing or
	// others. Completing it again does nothing; messaging.ErrNotFound of one that
	// was dropped.
	Complete(ctx context.Context, id ID, upload string, parts []Part) error
	// SignGet signs the request that gets a blob, or returns messaging.ErrNotFound.
	SignGet(ctx context.Context, id ID) (Signed, error)
	// Use says that a message points to the blob; messaging.ErrNotFound of none.
	Use(ctx context.Context, id ID) error
	// Sweep drops uploads that were begun before UploadFor, and blobs that are
	// Expired at a time; it returns how many of each.
	Sweep(ctx context.Context, now time.Time) (uploads, blobs int, err error)
}

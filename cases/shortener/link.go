package shortener

import (
	"context"
	"time"
)

// An Owner is whoever may change a link: the account behind an API key.
type Owner string

// A Link is what a code stands for.
type Link struct {
	Code   Code
	Target string // checked by target.Check before it is stored
	Owner  Owner
	// Created is the time of creation, to the millisecond, in UTC.
	Created time.Time
	// Expires is when the link stops redirecting; zero means never. It answers
	// "expired" for GracePeriod afterwards and is unknown from then on.
	Expires time.Time
	// Permanent asks for 301 in place of 302: browsers then keep the answer and
	// neither a changed target nor a click of theirs is seen again.
	Permanent bool
	// Version grows by one with every change. Caches keep the higher version, so
	// a slow reader can't put an old target back. It begins at the time of
	// creation in milliseconds, so that an alias which is deleted and claimed
	// again goes on above its former life.
	Version int64
}

// GracePeriod is how long an expired link still answers "expired" (410)
// before the store drops it and it becomes unknown (404).
const GracePeriod = 30 * 24 * time.Hour

// Expired reports whether the link has stopped redirecting at the given time.
func (l Link) Expired(at time.Time) bool {
	return !l.Expires.IsZero() && !at.Before(l.Expires)
}

// A LinkStore keeps links for good. Every method ends with its context's
// error when the context ends, and may be called by many goroutines at once.
// Errors other than those named are the store's own and may be retried.
type LinkStore interface {
	// Put stores a new link under a generated code. The code is unique by the
	// way it was leased, so nothing is checked; repeating a Put is harmless.
	Put(ctx context.Context, l Link) error

	// Claim stores a new link under a custom alias if neither the alias nor a
	// look-alike of it (see Skeleton) is held. Of any number of concurrent
	// claims exactly one succeeds; the others get ErrTaken or ErrLookAlike and
	// have stored nothing.
	Claim(ctx context.Context, l Link) error

	// Get returns the link, expired or not, or ErrNotFound.
	Get(ctx context.Context, code Code) (Link, error)

	// Update reads the link, applies change, and stores the result with the
	// next version, atomically: a concurrent Update makes change run again on
	// the newer link. An error of change is returned as it is and nothing is
	// stored. A link that is unknown or deleted meanwhile is ErrNotFound.
	// Code, Owner, Created and Version are the store's; change can't alter them.
	Update(ctx context.Context, code Code, change func(*Link) error) (Link, error)

	// Delete removes the link and returns what it was, or ErrNotFound. It calls
	// allowed on the link first, and on a newer one if that changed meanwhile;
	// an error of it is returned as it is and nothing is removed. An alias is
	// free again at once; a generated code is never used again.
	Delete(ctx context.Context, code Code, allowed func(Link) error) (Link, error)

	// ByOwner returns at most limit of the owner's links, newest first, and the
	// cursor of the next page, empty on the last. An unknown cursor is a
	// *Invalid. Links that were deleted or dropped are left out.
	ByOwner(ctx context.Context, owner Owner, cursor string, limit int) (links []Link, next string, err error)
}

// MaxLifetime is how far ahead a link may expire. Who wants longer wants never.
const MaxLifetime = 10 * 365 * 24 * time.Hour

// CheckExpiry returns the expiry as it is stored, in UTC to the millisecond, or
// a *Invalid. Zero means never and is fine.
func CheckExpiry(expires, now time.Time) (time.Time, error) {
	if expires.IsZero() {
		return time.Time{}, nil
	}
	expires = expires.UTC().Truncate(time.Millisecond)
	switch {
	case !expires.After(now):
		return time.Time{}, &Invalid{Field: "expires", Rule: "past",
			Reason: "the expiry " + expires.Format(time.RFC3339) + " has passed already: give a time to come, or none for a link that stays"}
	case expires.Sub(now) > MaxLifetime:
		return time.Time{}, &Invalid{Field: "expires", Rule: "too-far",
			Reason: "the expiry " + expires.Format(time.RFC3339) + " is more than ten years away: leave it out for a link that stays"}
	}
	return expires, nil
}

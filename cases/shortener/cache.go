package shortener

import (
	"context"
	"time"
)

// An Entry is what a cache knows of a code: the link, or that there is none.
type Entry struct {
	// Link is the link; when Missing is set only its Code and Version count.
	Link Link
	// Missing marks a negative entry: the code is unknown (Version 0) or was
	// deleted (the version after its last).
	Missing bool
}

// A SharedCache is the cache that all replicas share, in front of the store.
// It is allowed to be away: its callers go on without it.
type SharedCache interface {
	// Get returns the entry, and false when the cache holds none.
	Get(ctx context.Context, code Code) (Entry, bool, error)

	// Fill stores the entry for ttl unless the cache holds one of a higher
	// version, which it then leaves alone. This is the only way in, for readers
	// that fill after a miss and for writers alike, and it is atomic: a reader
	// that was slow to fill can't overwrite the writer that overtook it.
	Fill(ctx context.Context, e Entry, ttl time.Duration) error
}

// Changes carries every change of a link to all replicas, so that what they
// hold in process is corrected well inside a second.
type Changes interface {
	// Announce tells all replicas, this one included, of the entry that holds
	// from now on. It may be repeated; replicas keep the higher version.
	Announce(ctx context.Context, e Entry) error

	// Follow calls apply for every announcement from now on, in order, until
	// the context ends, whose error it returns. After a lost connection it goes
	// on where it stopped. Where that is impossible, since the announcements in
	// between are gone, it calls lost: nothing learned before may be trusted.
	// apply and lost are never called at the same time.
	Follow(ctx context.Context, apply func(Entry), lost func()) error

	// Live reports whether Follow hears of changes at the moment. While it
	// doesn't, what is held in process may be stale and must not be trusted for
	// longer than StaleLimit.
	Live() bool
}

// StaleLimit is how old an entry held in process may be while the replica
// can't hear of changes: an older one is read again, and used as it is only
// when the store doesn't answer either.
const StaleLimit = 1 * time.Second

package codes

import (
	"context"
	"errors"
	"fmt"
)

// RangeSize is how many codes a process leases at once: one trip to the store
// per that many links. A process that dies loses what is left of its range; at
// one restart a second the code space would still last for eleven years.
const RangeSize = 10_000

// ErrExhausted says that every code has been given out.
var ErrExhausted = errors.New("all generated codes are used up; codes need one more character")

// ErrOtherKey says that the counter belongs to another code key.
var ErrOtherKey = errors.New("the stored counter belongs to another CODE_KEY: with this one, new codes could equal old ones; " +
	"start with the key that these links were made with, or use another namespace")

// A RangeStore is the one counter behind all generated codes. It may be called
// by many processes at once.
type RangeStore interface {
	// Bind ties the counter to the key with this fingerprint. The first Bind
	// holds for good; one with another fingerprint is ErrOtherKey.
	Bind(ctx context.Context, fingerprint string) error

	// Lease returns first such that the numbers first … first+n-1 have never
	// been leased before and never will be again, whichever process asks and
	// whatever dies. After an error they may be lost, but are not reused.
	Lease(ctx context.Context, n uint64) (first uint64, err error)
}

// lease takes the next range from the store, cut where the code space ends.
func lease(ctx context.Context, store RangeStore, size uint64) (*span, error) {
	first, err := store.Lease(ctx, size)
	if err != nil {
		return nil, fmt.Errorf("lease %d codes: %w", size, err)
	}
	if first >= Space {
		return nil, ErrExhausted
	}
	end := Space
	if size < Space-first {
		end = first + size
	}
	s := &span{end: end, refill: first + (end-first)/2}
	s.next.Store(first)
	return s, nil
}

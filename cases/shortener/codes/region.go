package codes

import "context"

// Region is the RangeStore of one of several regions, each with a counter of its
// own: it moves the counter's numbers into the region's part of all numbers, so
// that no region needs another to make a code. Which part is whose stays the
// same for good, and so does how many there are.
type Region struct {
	RangeStore
	Number  uint64 // from 0
	Regions uint64
}

// Lease implements RangeStore.
func (r Region) Lease(ctx context.Context, n uint64) (first uint64, err error) {
	first, err = r.RangeStore.Lease(ctx, n)
	if err != nil {
		return 0, err
	}
	part := Space / r.Regions
	if first+n > part {
		return 0, ErrExhausted
	}
	return r.Number*part + first, nil
}

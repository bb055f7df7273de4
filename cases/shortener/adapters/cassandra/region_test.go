package cassandra

import (
	"errors"
	"testing"

	"designkits/cases/shortener/codes"
)

// Two regions, each with a counter of its own, never lease the same number, and
// each ends where its part of the numbers does.
func TestRegionsLeaseApart(t *testing.T) {
	db := openDB(t)
	region := func(number uint64) codes.Region {
		counter := db.counter("region " + string('a'+rune(number)))
		if err := counter.Bind(t.Context(), "a key"); err != nil {
			t.Fatal(err)
		}
		return codes.Region{RangeStore: counter, Number: number, Regions: 2}
	}
	first, second := region(0), region(1)
	for _, want := range []uint64{0, 1000} {
		if got, err := first.Lease(t.Context(), 1000); err != nil || got != want {
			t.Errorf("the first region leases from %d, %v, want %d", got, err, want)
		}
		if got, err := second.Lease(t.Context(), 1000); err != nil || got != codes.Space/2+want {
			t.Errorf("the second region leases from %d, %v, want %d", got, err, codes.Space/2+want)
		}
	}
	if got, err := first.Lease(t.Context(), codes.Space/2); !errors.Is(err, codes.ErrExhausted) {
		t.Errorf("beyond its part it leases from %d, %v", got, err)
	}
}

package redis_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"designkits/cases/shortener"
	"designkits/shared/testenv"
)

// An owner is erased from the stream and from the limits, and nobody else is.
func TestErasingAnOwner(t *testing.T) {
	namespace := testenv.Namespace(t)
	client := open(t, testenv.Addr(t, "redis"), namespace)
	changes, limiter := client.Changes(slog.New(slog.DiscardHandler)), client.Limiter()
	for i := range int64(1200) { // more than one page
		for _, owner := range []shortener.Owner{"stays", "leaves"} {
			if owner == "leaves" && i%3 > 0 {
				continue
			}
			e := shortener.Entry{Link: shortener.Link{Code: shortener.Code(fmt.Sprintf("code-%d", i)), Owner: owner, Version: i + 1}}
			if err := changes.Announce(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, owner := range []shortener.Owner{"stays", "leaves"} {
		buckets := shortener.BucketsOf(owner)
		if _, err := limiter.Take(t.Context(), shortener.PerDay(buckets[0], "requests", 10, 1), shortener.PerDay(buckets[1], "links", 10, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := changes.EraseOwner(t.Context(), "leaves"); err != nil {
		t.Fatal(err)
	}
	if err := limiter.EraseOwner(t.Context(), "leaves"); err != nil {
		t.Fatal(err)
	}
	stream, err := plain(t).XRange(t.Context(), namespace+":changes", "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(stream) != 1200 || strings.Contains(fmt.Sprint(stream), "leaves") {
		t.Errorf("%d changes are left, want the 1200 of who stays", len(stream))
	}
	keys, err := plain(t).Keys(t.Context(), namespace+":limit:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 2 || strings.Contains(fmt.Sprint(keys), "leaves") {
		t.Errorf("the limits %v are left, want those of who stays", keys)
	}
}

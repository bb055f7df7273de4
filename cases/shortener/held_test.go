package shortener

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTTLsAreSpreadButNeverLonger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ttl := time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "ttl"))
		different := map[time.Duration]bool{}
		for range 50 {
			got := jitter(ttl)
			if got > ttl || got < ttl-ttl/10 {
				t.Fatalf("%s of %s", got, ttl)
			}
			different[got] = true
		}
		if len(different) < 40 {
			t.Fatalf("%d different of 50", len(different))
		}
	})
}

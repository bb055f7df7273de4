package estimate_test

import (
	"math"
	"testing"

	"designkits/shared/estimate"

	"pgregory.net/rapid"
)

func TestZipfAgreesWithAddingUp(t *testing.T) {
	for _, s := range []float64{0.8, 1, 1.2} {
		var head, all float64
		for i := 1; i <= 200_000; i++ {
			all += math.Pow(float64(i), -s)
			if i == 5000 {
				head = all
			}
		}
		if got := estimate.ZipfHitRatio(5000, 200_000, s); math.Abs(got-head/all) > 1e-6 {
			t.Errorf("s=%v: %v, adding up gives %v", s, got, head/all)
		}
	}
}

func TestZipfCacheKeysIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := math.Floor(rapid.Float64Range(10, 1e10).Draw(t, "n"))
		s := rapid.Float64Range(0.5, 1.5).Draw(t, "s")
		ratio := rapid.Float64Range(0.01, 0.999).Draw(t, "ratio")
		k := estimate.ZipfCacheKeys(ratio, n, s)
		if k > n || k < 1 {
			t.Fatalf("%v of %v keys", k, n)
		}
		if got := estimate.ZipfHitRatio(k, n, s); got < ratio-1e-6 {
			t.Fatalf("%v keys hit %v, want %v", k, got, ratio)
		}
		if k > 2 {
			if got := estimate.ZipfHitRatio(k-2, n, s); got > ratio+1e-6 {
				t.Fatalf("%v keys would have done: %v", k-2, got)
			}
		}
	})
}

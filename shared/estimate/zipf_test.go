package estimate_test

import (
	"math"
	"math/rand/v2"
	"sort"
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

// The model against counting exactly: the keys seen most often in the last asks are
// held. Halved after every ten asks an entry, the counts tell of fifteen on average.
func TestTinyLFUAgreesWithCounting(t *testing.T) {
	const n = 2000
	for _, s := range []float64{0.8, 1, 1.2} {
		for _, k := range []int{20, 100, 400} {
			got, counted := estimate.TinyLFUHitRatio(float64(k), n, s), countTinyLFU(k, n, s)
			perfect := estimate.ZipfHitRatio(float64(k), n, s)
			if math.Abs(got-counted) > 0.025 || got > perfect {
				t.Errorf("s=%v, %d of %d keys: the model says %.3f, counting %.3f, a perfect cache has %.3f", s, k, n, got, counted, perfect)
			}
		}
	}
}

func countTinyLFU(k, n int, s float64) float64 {
	random := rand.New(rand.NewPCG(1, 2))
	sums, sum := make([]float64, n), 0.0
	for i := range sums {
		sum += math.Pow(float64(i+1), -s)
		sums[i] = sum
	}
	seen, held, members := make([]int, n), make([]bool, n), []int{}
	hits, asks := 0, 60*10*k
	for ask := range asks {
		key := sort.SearchFloat64s(sums, random.Float64()*sum)
		if seen[key]++; ask%(10*k) == 0 {
			for i := range seen {
				seen[i] /= 2
			}
		}
		switch {
		case held[key]:
			if ask >= asks/2 {
				hits++
			}
		case len(members) < k:
			held[key], members = true, append(members, key)
		default: // admitted in place of the one seen least, if seen more often
			least := 0
			for i, m := range members {
				if seen[m] < seen[members[least]] {
					least = i
				}
			}
			if seen[key] > seen[members[least]] {
				held[members[least]], held[key], members[least] = false, true, key
			}
		}
	}
	return float64(hits) / float64(asks-asks/2)
}

// The formula against drawing requests and looking at which keys came up.
func TestZipfDistinctAgreesWithDrawing(t *testing.T) {
	const n, rounds = 20_000, 20
	for _, s := range []float64{0.6, 1, 1.4} {
		sums, sum := make([]float64, n), 0.0
		for i := range sums {
			sum += math.Pow(float64(i+1), -s)
			sums[i] = sum
		}
		for _, requests := range []int{1, 300, 50_000} {
			random := rand.New(rand.NewPCG(1, 2))
			drawn := 0
			for range rounds {
				seen := map[int]bool{}
				for range requests {
					seen[sort.SearchFloat64s(sums, random.Float64()*sum)] = true
				}
				drawn += len(seen)
			}
			want := float64(drawn) / rounds
			got := estimate.ZipfDistinct(float64(requests), n, s)
			if requests == 1 {
				// A Poisson number of requests, one on average, may be none.
				want = 0
				for i := range n {
					want -= math.Expm1(-math.Pow(float64(i+1), -s) / sum)
				}
			}
			if math.Abs(got-want) > 0.01*want {
				t.Errorf("s=%v, %d requests for %d keys: %.2f different ones, want %.2f", s, requests, n, got, want)
			}
		}
	}
}

func TestTinyLFUCacheKeysIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := math.Floor(rapid.Float64Range(10, 1e9).Draw(t, "n"))
		s := rapid.Float64Range(0.7, 1.3).Draw(t, "s")
		ratio := rapid.Float64Range(0.05, 0.98).Draw(t, "ratio")
		k := estimate.TinyLFUCacheKeys(ratio, n, s)
		if got := estimate.TinyLFUHitRatio(k, n, s); k > n || k < 1 || got < ratio-1e-6 {
			t.Fatalf("%v of %v keys hit %v, want %v", k, n, got, ratio)
		}
	})
}

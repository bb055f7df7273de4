package estimate

import "math"

// Asks an entry that TinyLFU is taken to remember. It is no derivation: it fits
// what bench hit-ratio of cases/shortener measures of otter, within its band.
// By https://github.com/maypok86/otter/blob/v2.4.0/sketch.go the counters are
// halved, and with them the count of asks, when that count has come to ten for
// each entry; so they tell of five to ten counted asks. But an ask of a key whose
// counters are full, at 15, isn't counted, and in a cache that is bounded by weight
// the ten are for each entry that was held when the sketch last grew.
// The policy is that of Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache
// Admission Policy", 2017, https://dl.acm.org/doi/10.1145/3149371.
const tinyLFUMemory = 15

// TinyLFUHitRatio is the share of requests that a cache with room for k of n
// distinct keys answers when it admits by TinyLFU and the ith most popular key
// is asked for in proportion to 1/i^s.
//
// The perfect cache (ZipfHitRatio) knows the popularity of each key; this one
// has counted a few asks of it. A key asked for λ times on average within the
// counters' memory has been seen a Poisson number of times, and the cache holds
// the keys that were seen most often.
func TinyLFUHitRatio(k, n, s float64) float64 { return tinyLFU(k, n, ranksOf(n, s)) }

func tinyLFU(k, n float64, groups []ranks) float64 {
	if k >= n {
		return 1
	}
	memory := tinyLFUMemory * k
	// held is the expected number of keys seen at least that often, and hits the
	// requests for them.
	atLeast := func(seen int) (held, hits float64) {
		for _, r := range groups {
			share := poissonAtLeast(seen, memory*r.share/r.keys)
			held += share * r.keys
			hits += share * r.share
		}
		return held, hits
	}
	heldBefore, hitsBefore := n, 1.0
	for seen := 1; ; seen++ {
		held, hits := atLeast(seen)
		if held <= k { // of the keys seen one time less there is room for some
			return hits + (hitsBefore-hits)*(k-held)/(heldBefore-held)
		}
		heldBefore, hitsBefore = held, hits
	}
}

// TinyLFUCacheKeys is the inverse: for how many keys a cache must have room, of
// n distinct ones, for that hit ratio.
func TinyLFUCacheKeys(ratio, n, s float64) float64 {
	groups := ranksOf(n, s)
	return smallest(n, func(k float64) bool { return tinyLFU(k, n, groups) >= ratio })
}

// Some ranks of about one popularity: how many keys, and the share of all
// requests that go to them.
type ranks struct{ keys, share float64 }

// ranksOf groups the ranks 1 … n: the first 200 each for itself, then by a
// hundredth of their number.
func ranksOf(n, s float64) []ranks {
	all := harmonic(n, s)
	var groups []ranks
	for from := 0.0; from < n; {
		to := math.Min(n, from+math.Max(1, math.Floor(from/100)))
		asks := math.Pow(to, -s)
		if to-from > 1 {
			asks = between(from, to, s)
		}
		groups = append(groups, ranks{keys: to - from, share: asks / all})
		from = to
	}
	return groups
}

// poissonAtLeast is the chance that something which happens lambda times on
// average happens n times or more.
func poissonAtLeast(n int, lambda float64) float64 {
	term := math.Exp(-lambda)
	fewer := 0.0
	for i := range n {
		fewer += term
		term *= lambda / float64(i+1)
	}
	return math.Max(0, 1-fewer)
}

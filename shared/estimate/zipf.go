package estimate

import "math"

// harmonic returns the sum of 1/i^s for i from 1 to n: the first terms one by
// one, the rest by the Euler–Maclaurin formula, which is good to nine digits
// from there on. s may be 1; n need not be whole.
func harmonic(n, s float64) float64 {
	const exact = 1000
	sum := 0.0
	for i := 1.0; i <= math.Min(n, exact); i++ {
		sum += math.Pow(i, -s)
	}
	if n <= exact {
		return sum
	}
	return sum + between(exact, n, s)
}

// between is the sum of 1/i^s for i from a+1 to b, by the formula.
func between(a, b, s float64) float64 {
	integral := math.Log(b / a)
	if s != 1 {
		integral = (math.Pow(b, 1-s) - math.Pow(a, 1-s)) / (1 - s)
	}
	correction := (math.Pow(b, -s) - math.Pow(a, -s)) / 2
	curvature := s / 12 * (math.Pow(a, -s-1) - math.Pow(b, -s-1))
	return integral + correction + curvature
}

// ZipfHitRatio is the share of requests that go to the k most popular of n
// distinct keys, when the ith most popular is asked for in proportion to
// 1/i^s. It is the hit ratio of a cache that holds exactly those k.
func ZipfHitRatio(k, n, s float64) float64 {
	return harmonic(math.Min(k, n), s) / harmonic(n, s)
}

// ZipfCacheKeys is the inverse: how many keys a cache must hold, of n distinct
// ones, for that hit ratio.
func ZipfCacheKeys(ratio, n, s float64) float64 {
	return smallest(n, func(k float64) bool { return ZipfHitRatio(k, n, s) >= ratio })
}

// ZipfDistinct is how many different keys are among so many requests, on
// average, of n keys of which the ith most popular is asked for in proportion
// to 1/i^s. Requests for one key are taken to come independently (Poisson).
func ZipfDistinct(requests, n, s float64) float64 {
	distinct := 0.0
	for _, r := range ranksOf(n, s) {
		distinct -= r.keys * math.Expm1(-requests*r.share/r.keys)
	}
	return distinct
}

// smallest is the smallest number of keys up to n that is enough.
func smallest(n float64, enough func(float64) bool) float64 {
	low, high := 1.0, n
	for high-low > 0.5 {
		mid := math.Sqrt(low * high) // popularity spans decades
		if mid-low < 0.25 || high-mid < 0.25 {
			mid = (low + high) / 2
		}
		if enough(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return math.Ceil(high)
}

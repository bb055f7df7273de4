package codes

import (
	"math/bits"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const testCodeKey = "a key for tests, of no worth"

func newPermutation(t testing.TB, key string) *Permutation {
	t.Helper()
	p, err := NewPermutation([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCodesAreABijectionBothWays(t *testing.T) {
	p := newPermutation(t, testCodeKey)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, Space-1).Draw(t, "n")
		code := p.Code(n)
		if len(code) != Length {
			t.Fatalf("code %q of %d has not %d characters", code, n, Length)
		}
		if back, err := p.Number(code); err != nil || back != n {
			t.Fatalf("%d became %q, which became %d (%v)", n, code, back, err)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[0-9A-Za-z]{7}`).Draw(t, "code")
		n, err := p.Number(code)
		if err != nil || n >= Space {
			t.Fatalf("%q became %d (%v), outside of the code space", code, n, err)
		}
		if back := p.Code(n); back != code {
			t.Fatalf("%q became %d, which became %q", code, n, back)
		}
	})
}

func TestTheEndsOfTheSpaceHaveCodes(t *testing.T) {
	p := newPermutation(t, testCodeKey)
	for _, n := range []uint64{0, 1, Space - 2, Space - 1} {
		if back, err := p.Number(p.Code(n)); err != nil || back != n {
			t.Errorf("%d came back as %d (%v)", n, back, err)
		}
	}
}

func TestARunOfNumbersHasDistinctCodes(t *testing.T) {
	p := newPermutation(t, testCodeKey)
	seen := make(map[string]uint64, 100_000)
	for n := range uint64(100_000) {
		code := p.Code(n)
		if before, ok := seen[code]; ok {
			t.Fatalf("%d and %d are both %q", before, n, code)
		}
		seen[code] = n
	}
}

// Neighbours must not look like neighbours: one more in the counter flips about
// half of the 42 bits, each of them about half of the time, and on average the
// next code is a third of the space away. The bands are five standard deviations
// wide; the plain counter, the control, is outside of them.
func TestNeighboursHaveUnrelatedCodes(t *testing.T) {
	p := newPermutation(t, testCodeKey)
	const samples = 20_000
	avalanche := func(number func(uint64) uint64) (mean float64, least, most int) {
		var total int
		flipped := make([]int, 41) // the highest bit is not uniform: the space ends inside its half
		for n := range uint64(samples) {
			diff := number(n) ^ number(n+1)
			total += bits.OnesCount64(diff & (1<<41 - 1))
			for i := range flipped {
				flipped[i] += int(diff >> i & 1)
			}
		}
		least, most = samples, 0
		for _, f := range flipped {
			least, most = min(least, f), max(most, f)
		}
		return float64(total) / samples, least, most
	}
	unrelated := func(mean float64, least, most int) bool {
		return mean > 20.5-0.12 && mean < 20.5+0.12 && least > samples*46/100 && most < samples*54/100
	}
	mean, least, most := avalanche(func(n uint64) uint64 {
		value, err := parseBase62(p.Code(n))
		if err != nil {
			t.Fatal(err)
		}
		return value
	})
	if !unrelated(mean, least, most) {
		t.Errorf("neighbours differ in %.2f of 41 bits; each bit in %d to %d of %d pairs", mean, least, most, samples)
	}
	if mean, least, most := avalanche(func(n uint64) uint64 { return n }); unrelated(mean, least, most) {
		t.Error("the plain counter passes too: the test shows nothing")
	}
}

func TestAnotherKeyMakesOtherCodes(t *testing.T) {
	a, b := newPermutation(t, testCodeKey), newPermutation(t, testCodeKey+"!")
	if a.Fingerprint() == b.Fingerprint() {
		t.Error("two keys have one fingerprint")
	}
	for n := range uint64(1000) {
		if a.Code(n) == b.Code(n) {
			t.Fatalf("both keys make %q out of %d", a.Code(n), n)
		}
	}
}

// A release that changes what a key makes of a number would let new codes
// collide with old ones. If this test fails, change the code and not the test.
func TestTheCodesOfAKeyNeverChange(t *testing.T) {
	p := newPermutation(t, testCodeKey)
	for n, want := range map[uint64]string{0: "AEZcGxi", 1: "kJYoYrR", 1_000_000: "xzWWR8A", Space - 1: "1DlPtrr"} {
		if got := p.Code(n); got != want {
			t.Errorf("code of %d is %q, it was %q", n, got, want)
		}
	}
	if got, want := p.Fingerprint(), "6129cbf598433f73"; got != want {
		t.Errorf("fingerprint is %q, it was %q", got, want)
	}
}

func TestAShortKeyIsRefused(t *testing.T) {
	if _, err := NewPermutation([]byte("too short")); err == nil || !strings.Contains(err.Error(), "CODE_KEY") {
		t.Errorf("got %v, wanted an error that names CODE_KEY", err)
	}
}

func TestNumberRefusesWhatIsNoCode(t *testing.T) {
	p := newPermutation(t, testCodeKey)
	for _, code := range []string{"", "abc", "abcdefgh", "abc-efg", "abcdef\xff"} {
		if n, err := p.Number(code); err == nil {
			t.Errorf("%q became %d", code, n)
		}
	}
}

func BenchmarkCode(b *testing.B) {
	p := newPermutation(b, testCodeKey)
	b.ReportAllocs()
	var n uint64
	for b.Loop() {
		p.Code(n)
		n++
	}
}

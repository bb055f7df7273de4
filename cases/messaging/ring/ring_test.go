package ring_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"designkits/cases/messaging/ring"
)

func keys(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("partition-%d", i)
	}
	return all
}

var someNames = rapid.SliceOfNDistinct(rapid.StringMatching(`chat-[0-9]{1,3}`), 1, 8, rapid.ID[string])

// Each key belongs to somebody, nobody has more than an even share, and what it is
// doesn't depend on the order of anything.
func TestSharesAreEvenAndTheSameForAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names, all := someNames.Draw(t, "names"), keys(rapid.IntRange(0, 64).Draw(t, "keys"))
		shares := ring.New(names...).Shares(all)
		counts := map[string]int{}
		for _, key := range all {
			if owner := shares[key]; !slices.Contains(names, owner) {
				t.Fatalf("%s belongs to %q", key, owner)
			}
			counts[shares[key]]++
		}
		for name, n := range counts {
			if even := (len(all) + len(names) - 1) / len(names); n > even {
				t.Fatalf("%s has %d of %d keys, where %d share: %v", name, n, len(all), len(names), counts)
			}
		}
		again := ring.New(rapid.Permutation(names).Draw(t, "names, permuted")...).Shares(rapid.Permutation(all).Draw(t, "keys, permuted"))
		if !maps.Equal(shares, again) {
			t.Fatalf("%v, and in another order %v", shares, again)
		}
	})
}

// The control is a ring without bounds: of it nothing moves between two that stay.
func TestLittleMovesWhenSomebodyComesOrGoes(t *testing.T) {
	all := keys(16)
	var moved, even float64
	for group := range 200 {
		for n := 1; n < 8; n++ {
			names := make([]string, n+1)
			for i := range names {
				names[i] = fmt.Sprintf("chat-%d-%d", group, i)
			}
			before, after := ring.New(names[:n]...).Shares(all), ring.New(names...).Shares(all)
			even += float64(len(all)) / float64(n+1) // the newcomer's share
			for _, key := range all {
				if before[key] != after[key] {
					moved++
				}
			}
		}
	}
	t.Logf("%.2f times what has to move", moved/even)
	if moved > 2*even {
		t.Errorf("%.2f times as many move as the newcomer has to get, want 2 at most", moved/even)
	}
}

// The next in the line is who owns a key that is alone when the first has gone.
func TestSuccessorsAreWhoWouldOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := someNames.Draw(t, "names")
		key := rapid.String().Draw(t, "key")
		line := ring.New(names...).Successors(key)
		if len(line) != len(names) {
			t.Fatalf("%v of %v", line, names)
		}
		for len(line) > 0 {
			if owner := ring.New(names...).Shares([]string{key})[key]; owner != line[0] {
				t.Fatalf("%s owns, %v were to", owner, line)
			}
			names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == line[0] })
			line = line[1:]
		}
		if shares := ring.New().Shares([]string{key}); len(shares) > 0 {
			t.Fatalf("nobody is there, and %v owns", shares)
		}
	})
}

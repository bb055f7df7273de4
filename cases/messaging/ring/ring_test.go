package ring_test

import (
	"fmt"
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

// Only what the newcomer gets moves, whoever there is.
func TestAKeyMovesOnlyToWhoHasCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := someNames.Draw(t, "names")
		before, after := ring.New(names...), ring.New(append(names, "newcomer")...)
		for _, key := range keys(64) {
			if was, is := before.Owner(key), after.Owner(key); is != was && is != "newcomer" {
				t.Fatalf("%s moved from %s to %s", key, was, is)
			}
		}
	})
}

func TestTheOrderOfNamesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := someNames.Draw(t, "names")
		one, other := ring.New(names...), ring.New(rapid.Permutation(names).Draw(t, "permuted")...)
		for _, key := range keys(16) {
			if one.Owner(key) != other.Owner(key) {
				t.Fatalf("%s belongs to %s or to %s", key, one.Owner(key), other.Owner(key))
			}
		}
	})
}

// The next in the line is who owns the key when the first has gone.
func TestSuccessorsAreWhoWouldOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := someNames.Draw(t, "names")
		key := rapid.String().Draw(t, "key")
		line := ring.New(names...).Successors(key)
		if len(line) != len(names) {
			t.Fatalf("%v of %v", line, names)
		}
		for len(line) > 0 {
			if owner := ring.New(names...).Owner(key); owner != line[0] {
				t.Fatalf("%s owns, %v were to", owner, line)
			}
			names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == line[0] })
			line = line[1:]
		}
		if owner := ring.New().Owner(key); owner != "" {
			t.Fatalf("nobody is there, and %s owns", owner)
		}
	})
}

func TestSharesAreEven(t *testing.T) {
	r := ring.New("chat-1", "chat-2", "chat-3", "chat-4")
	counts := map[string]int{}
	for _, key := range keys(10_000) {
		counts[r.Owner(key)]++
	}
	for name, n := range counts {
		if n < 1500 || n > 3700 {
			t.Errorf("%s owns %d of 10,000: the ring is lopsided: %v", name, n, counts)
		}
	}
}

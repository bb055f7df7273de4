package shortener

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAliasRules(t *testing.T) {
	for _, c := range []struct{ alias, rule string }{
		{"my-launch", ""},
		{"My_Launch-2026", ""},
		{"abc", ""},
		{"abcdef-", ""},  // seven characters, but not a generated shape
		{"abcdefgh", ""}, // eight
		{strings.Repeat("x", MaxAlias), ""},
		{"", "too-short"},
		{"ab", "too-short"},
		{strings.Repeat("x", MaxAlias+1), "too-long"},
		{"my launch", "bad-character"},
		{"my/launch", "bad-character"},
		{"my+launch", "bad-character"},
		{"läunch", "bad-character"},
		{"раураl", "bad-character"}, // Cyrillic
		{"-_-", "no-letter"},
		{"abcdefg", "generated-shape"},
		{"LAUNCH7", "generated-shape"},
		{"api", "reserved"},
		{"API", "reserved"},
		{"adm1n", "reserved"},
		{"f-a-v-i-c-o-n", "reserved"},
		{"adrnin", "reserved"}, // rn reads as m
		{"he1p", "reserved"},
	} {
		err := CheckAlias(c.alias)
		var invalid *Invalid
		switch {
		case c.rule == "" && err != nil:
			t.Errorf("%q was refused: %v", c.alias, err)
		case c.rule != "" && (!errors.As(err, &invalid) || invalid.Rule != c.rule || invalid.Field != "alias"):
			t.Errorf("%q: got %#v, wanted rule %s", c.alias, err, c.rule)
		}
	}
}

func TestNoReservedWordCanBeClaimed(t *testing.T) {
	for _, word := range reserved {
		if err := CheckAlias(word); err == nil {
			t.Errorf("%q can be claimed", word)
		}
	}
}

func TestLookAlikesShareASkeleton(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"paypal", "PayPa1", true},
		{"paypal", "paypaI", true},
		{"google", "g00gle", true},
		{"modern", "rnodem", true},
		{"wow-shop", "vvow_shop", true},
		{"my-bank", "my_bank", true},
		{"my-bank", "mybank", true},
		{"sale25", "5ale2S", true},
		{"zoo", "2oo", true},
		{"Launch", "launch", true},
		{"launch", "lunch", false},
		{"spring-24", "spring-34", false},
		{"cat", "car", false},
	} {
		if got := Skeleton(c.a) == Skeleton(c.b); got != c.same {
			t.Errorf("%q and %q share a skeleton: %v, wanted %v (%q, %q)", c.a, c.b, got, c.same, Skeleton(c.a), Skeleton(c.b))
		}
	}
}

func TestASkeletonIsItsOwnSkeleton(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few letters, so that the pairs that are folded come up often.
		alias := rapid.StringMatching(`[rnvwmRNVW01lIioO52szS_-]{1,32}`).Draw(t, "alias")
		once := Skeleton(alias)
		if twice := Skeleton(once); twice != once {
			t.Fatalf("%q became %q and that %q", alias, once, twice)
		}
	})
}

func TestSwappingLookAlikesKeepsTheSkeleton(t *testing.T) {
	swaps := map[string][]string{"o": {"0", "O"}, "l": {"1", "I", "i", "L"}, "s": {"5", "S"}, "z": {"2"}, "m": {"rn", "M", "r-n"}, "w": {"vv", "VV"}, "a": {"A", "a-", "_a"}}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"o", "l", "s", "z", "m", "w", "a"}), 1, 12).Draw(t, "parts")
		var plain, swapped strings.Builder
		for _, part := range parts {
			plain.WriteString(part)
			swapped.WriteString(rapid.SampledFrom(append(swaps[part], part)).Draw(t, part))
		}
		if Skeleton(plain.String()) != Skeleton(swapped.String()) {
			t.Fatalf("%q and %q differ", plain.String(), swapped.String())
		}
	})
}

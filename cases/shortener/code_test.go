package shortener

import "testing"

func TestOnlySevenBase62CharactersLookGenerated(t *testing.T) {
	for code, want := range map[Code]bool{
		"AEZcGxi": true, "0000000": true, "zzzzzzz": true,
		"": false, "abc": false, "abcdefgh": false, "abc-efg": false, "abcdef\xff": false,
	} {
		if got := code.Generated(); got != want {
			t.Errorf("%q: generated %t, wanted %t", code, got, want)
		}
	}
}

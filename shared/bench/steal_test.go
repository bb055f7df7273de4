package bench

import (
	"strings"
	"testing"
)

func TestWhatTheHostTookIsAShareOfAllTime(t *testing.T) {
	then := parseTicks(strings.NewReader("cpu  100 0 50 800 10 5 5 30 7 0\ncpu0 1 2 3\n"))
	if then != (ticks{all: 1000, stolen: 30}) {
		t.Errorf("%+v: guests are counted twice, or not all is counted", then)
	}
	for name, c := range map[string]struct {
		stat string
		want float64
	}{
		"a quarter":         {"cpu  120 0 60 840 12 6 6 56 9 0\n", 0.26},
		"nothing":           {"cpu  200 0 50 800 10 5 5 30 7 0\n", 0},
		"no time between":   {"cpu  100 0 50 800 10 5 5 30 7 0\n", 0},
		"before steal was":  {"cpu  120 0 60 840\n", 0},
		"not a line of it":  {"intr 1 2 3 4 5 6 7 8 9 10\n", 0},
		"nothing to read":   {"", 0},
		"numbers that fail": {"cpu  a b c d e f g h\n", 0},
	} {
		if got := parseTicks(strings.NewReader(c.stat)).stolenSince(then); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

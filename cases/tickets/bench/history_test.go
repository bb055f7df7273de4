package bench

import (
	"testing"
	"time"

	"designkits/shared/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// at makes an op that took from one second to another.
func at(what, by string, from, to int) op {
	return op{Seat: "a/A/1", What: what, By: by, Call: time.Unix(int64(from), 0), Return: time.Unix(int64(to), 0)}
}

func TestTheModelTellsWhatCantHaveHappened(t *testing.T) {
	for name, c := range map[string]struct {
		history  []op
		possible bool
	}{
		"held, ended, held":             {[]op{at(granted, "x", 1, 2), at(ended, "x", 3, 4), at(granted, "y", 5, 6)}, true},
		"held twice at once":            {[]op{at(granted, "x", 1, 2), at(granted, "y", 3, 4)}, false},
		"held while another's ends":     {[]op{at(granted, "x", 1, 2), at(ended, "x", 3, 9), at(granted, "y", 5, 6)}, true},
		"refused though free":           {[]op{at(granted, "x", 1, 2), at(ended, "x", 3, 4), at(refused, "y", 5, 6)}, false},
		"refused while it is held":      {[]op{at(granted, "x", 1, 2), at(refused, "y", 3, 4)}, true},
		"sold, and held again":          {[]op{at(granted, "x", 1, 2), at(bought, "x", 3, 4), at(granted, "y", 5, 6)}, false},
		"sold twice":                    {[]op{at(granted, "x", 1, 2), at(bought, "x", 3, 4), at(bought, "y", 5, 6)}, false},
		"sold twice after a crash":      {[]op{at(granted, "x", 1, 2), at(bought, "x", 3, 4), at(crashed, "", 5, 6), at(granted, "y", 7, 8), at(bought, "y", 9, 10)}, false},
		"a crash forgets a hold":        {[]op{at(granted, "x", 1, 2), at(crashed, "", 3, 4), at(granted, "y", 5, 6)}, true},
		"held, forgotten and bought":    {[]op{at(granted, "x", 1, 2), at(crashed, "", 3, 4), at(granted, "y", 5, 6), at(bought, "x", 7, 8)}, true},
		"refused by an unknown hold":    {[]op{at(unknown, "x", 1, 2), at(refused, "y", 3, 4)}, true},
		"held after an unknown hold":    {[]op{at(unknown, "x", 1, 2), at(granted, "y", 3, 4)}, true},
		"an unknown hold, and it isn't": {[]op{at(granted, "z", 1, 2), at(unknown, "x", 3, 4), at(ended, "z", 5, 6), at(granted, "y", 7, 8)}, true},
	} {
		bad, err := impossible(c.history, time.Minute)
		if err != nil || (len(bad) == 0) != c.possible {
			t.Errorf("%s: %v, %v", name, bad, err)
		}
	}
}

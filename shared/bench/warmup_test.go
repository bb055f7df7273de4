package bench

import (
	"testing"

	"designkits/shared/load"
)

func TestRoundsCountOnceNeitherSideGetsFaster(t *testing.T) {
	rates := func(base, cand float64) pair {
		return pair{&load.Result{Offered: base}, &load.Result{Offered: cand}}
	}
	for name, c := range map[string]struct {
		rounds []pair
		warm   int // rounds that don't count
	}{
		"fast from the beginning": {[]pair{rates(100, 80), rates(105, 85), rates(95, 75), rates(100, 80)}, 3},
		"a slow start":            {[]pair{rates(100, 20), rates(100, 30), rates(100, 45), rates(100, 46), rates(100, 45), rates(100, 45)}, 5},
		"a pause between":         {[]pair{rates(100, 20), rates(100, 20), rates(120, 20), rates(100, 20), rates(100, 20), rates(100, 20)}, 5},
		"never still": {[]pair{rates(1, 1), rates(2, 1), rates(4, 1), rates(8, 1), rates(16, 1), rates(32, 1),
			rates(64, 1), rates(128, 1), rates(256, 1)}, 8},
	} {
		var w warmUp
		for i, p := range c.rounds {
			if counts := w.done(p); counts != (i >= c.warm) {
				t.Errorf("%s: round %d counts: %v", name, i+1, counts)
			}
		}
	}
}

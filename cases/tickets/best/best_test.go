package best_test

import (
	"slices"
	"testing"

	"designkits/cases/tickets/best"

	"pgregory.net/rapid"
)

// row reads ".": free, "x": not.
func row(text string) best.Row {
	var r best.Row
	for _, c := range text {
		r = append(r, c == '.')
	}
	return r
}

func TestTogether(t *testing.T) {
	for name, c := range map[string]struct {
		rows []string
		n    int
		want best.Block
		none bool
	}{
		"the middle of the first row":        {[]string{".........", "........."}, 3, best.Block{Row: 0, From: 3, Seats: 3}, false},
		"the second row, if the first can't": {[]string{"..xx..x..", "........."}, 3, best.Block{Row: 1, From: 3, Seats: 3}, false},
		"the middle of behind beats the edge of the front": {
			[]string{"..xxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxx..xxxxxxxxxx"}, 2, best.Block{Row: 1, From: 10, Seats: 2}, false},
		"no orphan at the edge":     {[]string{"...xxx...."}, 2, best.Block{Row: 0, From: 6, Seats: 2}, false},
		"an orphan, if all would":   {[]string{"xx...xx"}, 2, best.Block{Row: 0, From: 2, Seats: 2}, false},
		"a gap that fits is filled": {[]string{"xx..xx...."}, 2, best.Block{Row: 0, From: 2, Seats: 2}, false},
		"nothing side by side":      {[]string{".x.x.x", "x.x.x."}, 2, best.Block{}, true},
		"more than a row":           {[]string{"...", "..."}, 4, best.Block{}, true},
		"none wanted":               {[]string{"..."}, 0, best.Block{}, true},
		"sold out":                  {[]string{"xxx"}, 1, best.Block{}, true},
	} {
		var rows []best.Row
		for _, r := range c.rows {
			rows = append(rows, row(r))
		}
		got, ok := best.Together(rows, c.n)
		if ok == c.none || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, ok, c.want)
		}
	}
}

var rows = rapid.Custom(func(t *rapid.T) []best.Row {
	var all []best.Row
	for range rapid.IntRange(1, 5).Draw(t, "rows") {
		all = append(all, rapid.SliceOfN(rapid.Bool(), 1, 15).Draw(t, "row"))
	}
	return all
})

// What is offered is free, and none that would leave fewer orphans was passed over.
func TestTogetherIsFreeAndLeavesTheFewestOrphans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, n := rows.Draw(t, "rows"), rapid.IntRange(1, 6).Draw(t, "n")
		got, ok := best.Together(all, n)
		fewest := -1
		for _, r := range all {
			for from := 0; from+n <= len(r); from++ {
				if slices.Contains(r[from:from+n], false) {
					continue
				}
				if orphans := orphansOf(r, from, n); fewest < 0 || orphans < fewest {
					fewest = orphans
				}
			}
		}
		if ok != (fewest >= 0) {
			t.Fatalf("found %v, there is one: %v", ok, fewest >= 0)
		}
		if !ok {
			return
		}
		if slices.Contains(all[got.Row][got.From:got.From+n], false) {
			t.Fatalf("%+v isn't free", got)
		}
		if orphans := orphansOf(all[got.Row], got.From, n); orphans != fewest {
			t.Fatalf("%+v leaves %d orphans, another %d", got, orphans, fewest)
		}
	})
}

// orphansOf counts the seats that are alone after and weren't before.
func orphansOf(r best.Row, from, n int) int {
	after := slices.Clone(r)
	for i := range n {
		after[from+i] = false
	}
	count := 0
	for i := range after {
		alone := func(r best.Row) bool {
			return r[i] && (i == 0 || !r[i-1]) && (i == len(r)-1 || !r[i+1])
		}
		if alone(after) && !alone(r) {
			count++
		}
	}
	return count
}

// Apart finds seats whenever enough are free, each once.
func TestApartFindsEnoughWhenThereAreEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, n := rows.Draw(t, "rows"), rapid.IntRange(1, 20).Draw(t, "n")
		free := 0
		for _, r := range all {
			for _, f := range r {
				if f {
					free++
				}
			}
		}
		blocks, ok := best.Apart(all, n)
		if ok != (free >= n) {
			t.Fatalf("%v, with %d free for %d", ok, free, n)
		}
		if !ok {
			return
		}
		got := 0
		for _, b := range blocks {
			for i := range b.Seats {
				if !all[b.Row][b.From+i] {
					t.Fatalf("%+v of %v isn't free, or twice", b, blocks)
				}
				all[b.Row][b.From+i] = false
				got++
			}
		}
		if got != n {
			t.Fatalf("%d seats for %d", got, n)
		}
	})
}

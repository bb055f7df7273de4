// Package best chooses which seats to offer: the best that are free, next to
// each other, without leaving a single seat between that nobody will buy.
package best

import "math"

// A Row is the seats of one row, from the left: true is free. The first row
// offered is the nearest to the stage.
type Row []bool

// A Block is seats side by side: Seats of them, from From on, in row Row.
type Block struct{ Row, From, Seats int }

// Together returns the best block of n free seats side by side, and false when
// there is none. Near the stage is good and so is the middle of a row; a block
// that would leave an orphan (see Orphans) is taken only where every one would.
func Together(rows []Row, n int) (Block, bool) {
	best, bestCost := Block{}, math.Inf(1)
	if n < 1 {
		return best, false
	}
	for r, row := range rows {
		if float64(r) >= bestCost {
			break // no block costs less than its row
		}
		for from := 0; from+n <= len(row); from++ {
			if !allFree(row[from : from+n]) {
				continue
			}
			b := Block{Row: r, From: from, Seats: n}
			if cost := costOf(rows, b); cost < bestCost {
				best, bestCost = b, cost
			}
		}
	}
	return best, !math.IsInf(bestCost, 1)
}

// orphanCost is more than any seat can be better than another.
const orphanCost = 1e6

// costOf says how bad a block is: rows from the stage, plus seats from the
// middle, of which three are as bad as one row.
func costOf(rows []Row, b Block) float64 {
	row := rows[b.Row]
	middle := float64(b.From) + float64(b.Seats-1)/2
	cost := float64(b.Row) + math.Abs(middle-float64(len(row)-1)/2)/3
	return cost + orphanCost*float64(len(Orphans(row, b.From, b.Seats)))
}

func allFree(seats []bool) bool {
	for _, free := range seats {
		if !free {
			return false
		}
	}
	return true
}

// Orphans returns the seats of the row that taking n seats from from on would
// leave free and alone, with none free beside them. One that is alone already
// isn't the block's fault.
func Orphans(row Row, from, n int) []int {
	free := func(i int) bool { return i >= 0 && i < len(row) && row[i] }
	var orphans []int
	if left := from - 1; free(left) && !free(left-1) {
		orphans = append(orphans, left)
	}
	if right := from + n; free(right) && !free(right+1) {
		orphans = append(orphans, right)
	}
	return orphans
}

// Apart returns n free seats, as few blocks as may be and each as large as may
// be, for people who would rather sit apart than not come; false when fewer
// are free.
func Apart(rows []Row, n int) ([]Block, bool) {
	left := make([]Row, len(rows))
	for i, row := range rows {
		left[i] = append(Row(nil), row...)
	}
	var blocks []Block
	for size := n; n > 0 && size > 0; {
		b, ok := Together(left, min(size, n))
		if !ok {
			size = min(size, n) - 1
			continue
		}
		for i := range b.Seats {
			left[b.Row][b.From+i] = false
		}
		blocks = append(blocks, b)
		n -= b.Seats
	}
	return blocks, n == 0
}

// Avoidable returns the seats of the row that taking these would leave free and
// alone, unless that can't be helped: in this row as many seats side by side
// can't be had without leaving one.
func Avoidable(row Row, take []int) []int {
	after := append(Row(nil), row...)
	for _, i := range take {
		after[i] = false
	}
	alone := func(row Row, i int) bool {
		return row[i] && (i == 0 || !row[i-1]) && (i == len(row)-1 || !row[i+1])
	}
	var orphans []int
	for i := range row {
		if alone(after, i) && !alone(row, i) {
			orphans = append(orphans, i)
		}
	}
	for from, n := 0, len(take); from+n <= len(row); from++ {
		if allFree(row[from:from+n]) && len(Orphans(row, from, n)) == 0 {
			return orphans
		}
	}
	return nil
}

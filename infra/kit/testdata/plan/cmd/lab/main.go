// Command lab has a sheet, unless it is told that it has none.
package main

import (
	"os"

	"designkits/shared/estimate"
	"designkits/shared/lab"
)

func main() {
	if os.Getenv("LAB_SHEET") == "no" {
		lab.Main(lab.Case{})
	}
	lab.Main(lab.Case{Sheet: sheet})
}

func sheet() *estimate.Sheet {
	s := estimate.New("Plan")
	visits := s.Input("visits", 864_000, estimate.PerDay, "made up")
	peak := s.Input("peak factor", 3, estimate.Ratio, "made up, too")
	s.Between(1, 10)
	size := s.Input("a page", 100, estimate.KB, "counted")
	rate := s.Derive("visits at peak", visits.Times(peak), estimate.PerSecond)
	s.Derive("egress", rate.Times(size.Plus(estimate.Const(900, estimate.KB))), estimate.MBPerSecond)
	s.Slip("visits on average", visits, estimate.PerSecond, "people come at once")
	return s
}

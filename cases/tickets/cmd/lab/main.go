// Command lab does what is done with the ticket sale rather than in it: its
// capacity sheet, its benches, its curveballs. The kit calls it.
package main

import (
	"designkits/cases/tickets"
	"designkits/cases/tickets/bench"
	"designkits/cases/tickets/curveballs"
	"designkits/shared/lab"
)

func main() {
	lab.Main(lab.Case{Sheet: tickets.Sheet, Benches: bench.All, Curveballs: curveballs.All})
}

// Command lab does what is done with the messenger rather than in it: its
// capacity sheet, its demo, its benches. The kit calls it.
package main

import (
	"designkits/cases/messaging"
	"designkits/cases/messaging/bench"
	"designkits/shared/lab"
)

func main() {
	lab.Main(lab.Case{Sheet: messaging.Sheet, Benches: bench.All})
}

// Command lab does what is done with the messenger rather than in it: its
// capacity sheet, its demo, its benches, its curveballs. The kit calls it.
package main

import (
	"context"
	"io"

	"designkits/cases/messaging"
	"designkits/cases/messaging/bench"
	"designkits/cases/messaging/curveballs"
	"designkits/cases/messaging/demo"
	"designkits/shared/lab"
)

func main() {
	lab.Main(lab.Case{Sheet: messaging.Sheet, Demo: walk, Benches: bench.All, Curveballs: curveballs.All})
}

func walk(ctx context.Context, page string, progress io.Writer, report func(lab.Step)) error {
	cfg := demo.Defaults(page)
	faults, err := demo.Faults()
	if err != nil {
		return err
	}
	cfg.Faults, cfg.Progress = faults, progress
	return demo.Run(ctx, cfg, report)
}

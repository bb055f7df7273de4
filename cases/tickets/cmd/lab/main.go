// Command lab does what is done with the ticket sale rather than in it: its
// capacity sheet, its sample sale, its demo, its benches, its curveballs. The
// kit calls it.
package main

import (
	"context"
	"fmt"
	"io"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bench"
	"designkits/cases/tickets/curveballs"
	"designkits/cases/tickets/demo"
	"designkits/shared/lab"
)

func main() {
	lab.Main(lab.Case{Sheet: tickets.Sheet, Seed: seed, Demo: walk, Benches: bench.All, Curveballs: curveballs.All})
}

func seed(ctx context.Context, page string) (string, error) {
	sold, err := demo.Seed(ctx, page)
	if sold == 0 {
		return "seats of the theatre are sold already", err
	}
	return fmt.Sprintf("%d seats of the theatre are sold", sold), err
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

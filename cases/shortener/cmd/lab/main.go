// Command lab does what is done with the shortener rather than in it: its
// capacity sheet, its sample links, its demo, its curveballs. The kit calls it.
package main

import (
	"context"
	"fmt"
	"io"

	"designkits/cases/shortener"
	"designkits/cases/shortener/bench"
	"designkits/cases/shortener/curveballs"
	"designkits/cases/shortener/demo"
	"designkits/shared/lab"
)

func main() {
	lab.Main(lab.Case{Sheet: shortener.Sheet, Seed: seed, Demo: walk, Benches: bench.All, Curveballs: curveballs.All})
}

func seed(ctx context.Context, page string) (string, error) {
	made, err := demo.Seed(ctx, page)
	if made == 0 {
		return "the sample links are there already", err
	}
	return fmt.Sprintf("%d sample links", made), err
}

func walk(ctx context.Context, page string, progress io.Writer, report func(lab.Step)) error {
	cfg := demo.Defaults(page)
	cfg.Progress = progress
	return demo.Run(ctx, cfg, report)
}

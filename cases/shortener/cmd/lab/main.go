// Command lab does what is done with the running case rather than in it: it
// puts in sample links and walks the demo. It prints JSON lines for the kit to
// show; its exit code is the verdict: 0 held, 1 did not, 2 wrong use.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"designkits/cases/shortener/demo"
)

const usage = `lab seed   put sample links and clicks in, once
lab demo   walk the journey on real input and check every figure

KIT_PAGE is the address of the page, for example http://127.0.0.1:8080/
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv("KIT_PAGE"), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, page string, out, progress io.Writer) int {
	if len(args) != 1 || page == "" {
		fmt.Fprint(progress, usage)
		return 2
	}
	report := func(s demo.Step) { _ = json.NewEncoder(out).Encode(s) } // who listens may be gone
	switch args[0] {
	case "demo":
		cfg := demo.Defaults(page)
		cfg.Progress = progress
		err := demo.Run(ctx, cfg, report)
		if err != nil && !errors.Is(err, demo.ErrFailed) { // a failed step has been reported
			report(demo.Step{Step: "demo", Figure: err.Error()})
		}
		return verdict(err)
	case "seed":
		began := time.Now()
		made, err := demo.Seed(ctx, page)
		s := demo.Step{Step: "seed", Figure: fmt.Sprintf("%d sample links", made), OK: err == nil, MS: time.Since(began).Milliseconds()}
		switch {
		case err != nil:
			s.Figure = err.Error()
		case made == 0:
			s.Figure = "the sample links are there already"
		}
		report(s)
		return verdict(err)
	default:
		fmt.Fprint(progress, usage)
		return 2
	}
}

func verdict(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

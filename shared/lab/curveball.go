package lab

import (
	"context"
	"flag"
	"fmt"
	"io"

	"designkits/shared/curveball"
)

// A CurveballLine is a line that curveball prints: an experiment of the list,
// an event or a second of a load as it happens, or the report at the end.
type CurveballLine struct {
	Experiment *curveball.Summary `json:"experiment,omitempty"`
	Name       string             `json:"name,omitempty"` // whose moment it is
	Variant    string             `json:"variant,omitempty"`
	curveball.Moment
	Report *curveball.Report `json:"report,omitempty"`
}

func (l *lab) curveball(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("curveball", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	list := flags.Bool("list", false, "")
	if err := flags.Parse(args); err != nil {
		return l.usage()
	}
	chosen, unknown := pick(l.Curveballs, func(e curveball.Experiment) string { return e.Name }, flags.Args())
	if unknown != "" {
		fmt.Fprintln(l.progress, unknown)
		return wrongUse
	}
	if *list {
		for _, e := range chosen {
			summary := e.Summary()
			l.print(CurveballLine{Experiment: &summary})
		}
		return held
	}
	code := held
	for _, e := range chosen {
		report, _ := curveball.Run(ctx, e, func(variant string, m curveball.Moment) { // the report has the error
			l.print(CurveballLine{Name: e.Name, Variant: variant, Moment: m})
		})
		l.print(CurveballLine{Report: &report})
		if report.Verdict != curveball.Held {
			code = failed
		}
		if ctx.Err() != nil {
			return failed
		}
	}
	return code
}

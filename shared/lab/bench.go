package lab

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"designkits/shared/bench"
)

// ResultsFile is where the last figures of each bench are kept, in the folder of
// the case. A run replaces those of the benches that it ran.
const ResultsFile = "bench/results.json"

// A BenchLine is a line that bench prints: a bench of the list, or a result.
type BenchLine struct {
	Bench  string        `json:"bench"`
	About  string        `json:"about,omitempty"`
	Needs  []string      `json:"needs,omitempty"`
	Result *bench.Result `json:"result,omitempty"`
}

func (l *lab) bench(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	list := flags.Bool("list", false, "")
	quick := flags.Bool("quick", false, "")
	if err := flags.Parse(args); err != nil {
		return l.usage()
	}
	chosen, unknown := pick(l.Benches, func(b bench.Bench) string { return b.Name }, flags.Args())
	if unknown != "" {
		fmt.Fprintln(l.progress, unknown)
		return wrongUse
	}
	if *list {
		for _, b := range chosen {
			l.print(BenchLine{Bench: b.Name, About: b.About, Needs: b.Needs})
		}
		return held
	}
	file, err := bench.Read(ResultsFile)
	if err != nil {
		fmt.Fprintln(l.progress, err)
		return failed
	}
	code := held
	for _, b := range chosen {
		if !l.measure(ctx, b, *quick, &file) {
			code = failed
		}
		if ctx.Err() != nil {
			return failed
		}
	}
	return code
}

// measure runs one bench, prints its results and keeps them, unless it was a
// quick run. It says whether all of them held.
func (l *lab) measure(ctx context.Context, b bench.Bench, quick bool, file *bench.File) bool {
	fmt.Fprintf(l.progress, "%s: %s\n", b.Name, b.About)
	r := &bench.Run{Quick: quick, Progress: func(line string) { fmt.Fprintln(l.progress, "  "+line) }}
	err := b.Run(ctx, r)
	good := err == nil
	for _, result := range r.Results {
		l.print(BenchLine{Bench: b.Name, Result: &result})
		good = good && (result.Held || quick)
	}
	if err == nil && !quick {
		file.Update(r.Results)
		err = file.Write(ResultsFile)
	}
	if err != nil {
		l.print(BenchLine{Bench: b.Name, Result: &bench.Result{Name: b.Name, Note: err.Error()}})
		return false
	}
	return good
}

// pick returns those of all that are named, or all; unknown says which name
// there isn't, and which there are.
func pick[T any](all []T, name func(T) string, wanted []string) (chosen []T, unknown string) {
	var names []string
	for _, one := range all {
		names = append(names, name(one))
		if len(wanted) == 0 || slices.Contains(wanted, name(one)) {
			chosen = append(chosen, one)
		}
	}
	for _, w := range wanted {
		if !slices.Contains(names, w) {
			return nil, fmt.Sprintf("there is no %q; there are: %s", w, strings.Join(names, ", "))
		}
	}
	return chosen, ""
}

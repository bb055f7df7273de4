package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"designkits/infra/engine"
	"designkits/infra/topology"
	"designkits/shared/bench"
	"designkits/shared/lab"
)

func benchCommand(o *options) *cobra.Command {
	var asJSON, list, quick bool
	cmd := &cobra.Command{
		Use:   "bench CASE [NAME...]",
		Short: "Measure a case side by side with its baselines, into its bench/results.json",
		Long: "Measure a case side by side with its baselines, on backends started for it on free ports. The figures go into the\n" +
			"case's bench/results.json, which its design doc and capacity sheet read (`go generate ./cases/CASE` weaves them in).\n" +
			"Let nothing else run meanwhile. --quick only shows that the benches work and keeps nothing.",
		Args: arguments(cobra.MinimumNArgs(1), "CASE [NAME...] [--list] [--quick] [--json]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, c, err := o.load(args[0])
			if err != nil {
				return err
			}
			screen := newScreen(o)
			if asJSON {
				screen.out = os.Stderr
			}
			table := benchTable{screen: screen}
			if list {
				return askLab(cmd.Context(), place, c.Name, append([]string{"bench", "--list"}, args[1:]...), nil, table.line)
			}
			backends := slices.Clone(c.Backends)
			err = askLab(cmd.Context(), place, c.Name, append([]string{"bench", "--list"}, args[1:]...), nil, func(raw []byte) {
				var l lab.BenchLine
				if json.Unmarshal(raw, &l) == nil {
					backends = append(backends, l.Needs...)
				}
			})
			if err != nil {
				return err // wrong names, before anything is started
			}
			call := []string{"bench"}
			if quick {
				call = append(call, "--quick")
			}
			err = withBackends(cmd.Context(), o, place, screen, "bench", backends, func(ctx context.Context, run engine.Place, env []string) error {
				if err := fetchTools(ctx, place, []topology.Case{c}, screen); err != nil {
					return err
				}
				return askLab(ctx, run, c.Name, append(call, args[1:]...), env, table.line)
			})
			table.print()
			if asJSON && err == nil {
				raw, err := os.ReadFile(filepath.Join(place.Root, "cases", c.Name, lab.ResultsFile))
				if err != nil {
					return fmt.Errorf("bench %s: %w", c.Name, err)
				}
				_, err = cmd.OutOrStdout().Write(raw)
				return err
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "list the benches")
	cmd.Flags().BoolVar(&quick, "quick", false, "run each for a moment, to see that it works; keeps nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print bench/results.json at the end; all else goes to standard error")
	return cmd
}

// A benchTable gathers results as they come and prints them at the end.
type benchTable struct {
	screen  *screen
	results []bench.Result
}

func (t *benchTable) line(raw []byte) {
	var l lab.BenchLine
	switch {
	case json.Unmarshal(raw, &l) != nil || l.Bench == "":
		t.screen.linef("%s", raw)
	case l.Result == nil:
		t.screen.linef("%-20s %s", l.Bench, l.About)
	default:
		t.results = append(t.results, *l.Result)
		t.screen.linef("%s", resultLine(*l.Result))
	}
}

func (t *benchTable) print() {
	if len(t.results) == 0 {
		return
	}
	w := tabwriter.NewWriter(t.screen.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\n\tresult\tmeasured\tbaseline\tratio\tgoal")
	for _, r := range t.results {
		fmt.Fprintf(w, "%s\t%s\n", mark(r.Held), bench.Cells(r, "\t"))
	}
	_ = w.Flush() // to the terminal
}

func resultLine(r bench.Result) string {
	text := fmt.Sprintf("%s  %s", mark(r.Held), bench.Cells(r, "  "))
	if r.Note != "" {
		text += "  (" + r.Note + ")"
	}
	return text
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"designkits/infra/engine"
	"designkits/infra/topology"
	"designkits/shared/curveball"
	"designkits/shared/lab"
)

func curveballCommand(o *options) *cobra.Command {
	var asJSON, asLines, list, all, noGuess bool
	cmd := &cobra.Command{
		Use:   "curveball CASE [NAME...]",
		Short: "Run an experiment: a question, load, a fault, and a verdict beside that of the naive variant",
		Long: "Run experiments on a case, on backends started for it on free ports. Each puts a question, sends load, breaks\n" +
			"something, and compares what it measures with the bands of its hypothesis. The same is done to a naive variant,\n" +
			"which must leave the bands. On a terminal you are asked for a guess first. The report goes to .kit/reports/; --all also\n" +
			"keeps what was measured in the case's curveballs/results.json, from which `go generate` weaves the design doc.",
		Args: arguments(cobra.MinimumNArgs(1), "CASE [NAME...|--all] [--list] [--json] [--no-guess]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, c, err := o.load(args[0])
			if err != nil {
				return err
			}
			chosen, err := experiments(cmd.Context(), place, c.Name, args[1:])
			if err != nil {
				return err
			}
			switch {
			case list, len(args) == 1 && !all:
				return listExperiments(cmd, chosen, asJSON)
			case len(args) > 1 && all:
				return usagef("name experiments or give --all, not both")
			}
			run := &curveballRun{screen: newScreen(o), guesses: map[string]guess{}, loads: map[loadKey]*curveball.Load{}}
			if asLines {
				run.lines = cmd.OutOrStdout()
			}
			if asJSON || asLines {
				run.screen.out = os.Stderr
			} else if !noGuess && term.IsTerminal(int(os.Stdin.Fd())) && run.screen.terminal {
				run.ask(os.Stdin, chosen)
			}
			err = run.all(cmd.Context(), o, place, c, chosen)
			if all && len(run.reports) == len(chosen) {
				err = errors.Join(err, curveball.Results(run.reports).Write(filepath.Join(place.Root, "cases", c.Name, curveball.ResultsFile)))
			}
			if asJSON && len(run.reports) > 0 {
				return errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(run.reports))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "list the experiments")
	cmd.Flags().BoolVar(&all, "all", false, "run all of them")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; all else goes to standard error")
	cmd.Flags().BoolVar(&asLines, "lines", false, "print each event, second of a load and report as a line of JSON, as they happen")
	cmd.Flags().BoolVar(&noGuess, "no-guess", false, "don't ask for a guess")
	return cmd
}

// experiments asks the case's lab what there is.
func experiments(ctx context.Context, place engine.Place, caseName string, names []string) (list []curveball.Summary, err error) {
	err = askLab(ctx, place, caseName, append([]string{"curveball", "--list"}, names...), nil, func(raw []byte) {
		var l lab.CurveballLine
		if json.Unmarshal(raw, &l) == nil && l.Experiment != nil {
			list = append(list, *l.Experiment)
		}
	})
	return list, err
}

func listExperiments(cmd *cobra.Command, list []curveball.Summary, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(list)
	}
	for _, e := range list {
		fmt.Fprintf(cmd.OutOrStdout(), "%-20s %s\n", e.Name, e.Question)
	}
	return nil
}

// A curveballRun is the experiments of one command.
type curveballRun struct {
	screen  *screen
	guesses map[string]guess // by experiment
	loads   map[loadKey]*curveball.Load
	reports []curveball.Report
	lines   io.Writer // gets the lab's lines as they are; nil for none
}

// A loadKey says which load a second is of.
type loadKey struct {
	experiment, variant, load string
	from                      float64
}

// A guess is what somebody expects of an experiment's first figure: as the case is
// built, and of its naive variant. nil is none.
type guess struct{ built, naive *float64 }

// ask asks for guesses, until the input ends. An empty line is none.
func (r *curveballRun) ask(input io.Reader, list []curveball.Summary) {
	in := bufio.NewScanner(input)
	for _, e := range list {
		r.screen.linef("\n%s\nYour guess: %s%s? (Enter for none)", e.Question, e.Predict, inUnit(e.Unit))
		var g guess
		var more bool
		if g.built, more = r.number(in, e.Unit); more && e.Control != "" {
			r.screen.linef("And %s? (Enter for none)", e.Control)
			g.naive, more = r.number(in, e.Unit)
		}
		if r.guesses[e.Name] = g; !more {
			return
		}
	}
}

// number reads lines until one is a number, or is empty. It reports false when the
// input has ended.
func (r *curveballRun) number(in *bufio.Scanner, unit string) (v *float64, more bool) {
	for in.Scan() {
		text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(in.Text()), unit))
		if text == "" {
			return nil, true
		}
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return &v, true
		}
		r.screen.linef("%q is no number; once more? (Enter for none)", text)
	}
	return nil, false
}

func inUnit(unit string) string {
	if unit == "" {
		return ""
	}
	return " in " + unit
}

func (r *curveballRun) all(ctx context.Context, o *options, place engine.Place, c topology.Case, list []curveball.Summary) error {
	backends, names := append([]string{}, c.Backends...), []string{}
	for _, e := range list {
		backends, names = append(backends, e.Needs...), append(names, e.Name)
	}
	err := withBackends(ctx, o, place, r.screen, "curveball", backends, func(ctx context.Context, run engine.Place, env []string) error {
		if err := fetchTools(ctx, place, []topology.Case{c}, r.screen); err != nil {
			return err
		}
		return askLab(ctx, run, c.Name, append([]string{"curveball"}, names...), env, r.line)
	})
	if len(r.reports) == 0 {
		return err
	}
	path := filepath.Join(place.State, "reports", c.Name+"-curveballs.html")
	if writeErr := writeReport(path, c.Title, r.reports); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	r.screen.linef("\nthe report with its timelines: %s", path)
	return err
}

func writeReport(path, title string, reports []curveball.Report) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return errors.Join(curveball.HTML(f, title, reports), f.Close())
}

// line shows an event as it happens, how the loads go, and a report at the end.
func (r *curveballRun) line(raw []byte) {
	var l lab.CurveballLine
	switch {
	case json.Unmarshal(raw, &l) != nil:
		r.screen.linef("%s", raw)
	case r.lines != nil:
		fmt.Fprintf(r.lines, "%s\n", raw)
		if l.Report != nil {
			r.reports = append(r.reports, *l.Report)
		}
	case l.Event != nil:
		r.screen.linef("%s %s: %s", when(l.Event.At, l.Variant), l.Event.Kind, l.Event.Text)
	case l.Sample != nil:
		r.sample(l.Name, l.Variant, *l.Sample)
	case l.Report != nil:
		r.reports = append(r.reports, *l.Report)
		r.screen.linef("%s", curveball.Text(*l.Report))
		g := r.guesses[l.Report.Name]
		if g.built != nil && len(l.Report.Measured) > 0 {
			r.screen.linef("  %s", howFar(*g.built, l.Report.Measured[0]))
		}
		if naive := l.Report.Control; g.naive != nil && len(naive.Measured) > 0 {
			r.screen.linef("  %s: %s", naive.Name, howFar(*g.naive, naive.Measured[0]))
		}
	}
}

// when begins a line about a trial: how long it has run, and of which variant.
func when(at float64, variant string) string {
	if variant != "" {
		variant = " [" + variant + "]"
	}
	return fmt.Sprintf("%6.1fs%s", at, variant)
}

// sayEvery is how many seconds of a load get a line.
const sayEvery = 5

// sample says how a load goes, now and then.
func (r *curveballRun) sample(experiment, variant string, s curveball.Sample) {
	key := loadKey{experiment, variant, s.Load, s.From}
	l := r.loads[key]
	if l == nil {
		l = &curveball.Load{Name: s.Load, From: s.From}
		r.loads[key] = l
	}
	before := len(l.Seconds)
	l.Put(s)
	n := len(l.Seconds)
	if n == before || n%sayEvery != 0 { // told of once more, or not yet
		return
	}
	var answered, failed int64
	var slowest time.Duration
	for _, second := range l.Seconds[n-sayEvery:] {
		answered, failed, slowest = answered+second.OK, failed+second.Failed, max(slowest, second.Worst)
	}
	r.screen.linef("%s %s: %.3g/s answered, %.3g/s failed, the slowest took %v", when(l.From+float64(n), variant), l.Name,
		float64(answered)/sayEvery, float64(failed)/sayEvery, slowest.Round(100*time.Microsecond))
}

// howFar says how far off a guess was.
func howFar(guess float64, o curveball.Outcome) string {
	said := fmt.Sprintf("you said %.4g, it was %.4g%s", guess, o.Value, strings.TrimRight(" "+o.Unit, " "))
	switch larger, smaller := math.Max(guess, o.Value), math.Min(guess, o.Value); {
	case guess == o.Value:
		return said + ": exactly"
	case smaller <= 0:
		return fmt.Sprintf("%s: off by %.4g", said, larger-smaller)
	default:
		return fmt.Sprintf("%s: off by a factor of %.3g", said, larger/smaller)
	}
}

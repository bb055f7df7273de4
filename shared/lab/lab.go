// Package lab is the body of a case's cmd/lab: the small program through which
// the kit does what is done with a case rather than in it. A case says what it
// has, and gets the same subcommands as every other:
//
//	func main() {
//		lab.Main(lab.Case{Sheet: shortener.Sheet, Seed: demo.Seed, Demo: demo.Run, …})
//	}
//
// What is meant for the kit goes to standard output, one JSON object a line; a
// person's progress goes to standard error. The exit status is the verdict: 0
// held, 1 did not hold, 2 wrong use.
package lab

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"designkits/shared/bench"
	"designkits/shared/curveball"
	"designkits/shared/estimate"
)

// PageVariable names the environment variable with the page's address.
const PageVariable = "KIT_PAGE"

// A Case is what a case has for its lab. A part that is nil it doesn't have.
type Case struct {
	// Sheet is the capacity sheet.
	Sheet func() *estimate.Sheet
	// Seed puts sample data in, unless it is there already, and says what it did.
	Seed func(ctx context.Context, page string) (figure string, err error)
	// Demo walks the journey. ErrFailed says that a reported step was not ok.
	Demo func(ctx context.Context, page string, progress io.Writer, report func(Step)) error
	// Benches measure the case beside its baselines.
	Benches []bench.Bench
	// Curveballs are its experiments.
	Curveballs []curveball.Experiment
}

// A Step is one step of a demo and how it went.
type Step struct {
	Step   string `json:"step"`
	Figure string `json:"figure"`
	OK     bool   `json:"ok"`
	MS     int64  `json:"ms"`
}

// ErrFailed is returned by a demo after a step that was not ok. The step has
// said why.
var ErrFailed = errors.New("the demo did not hold")

// The exit statuses.
const (
	held     = 0
	failed   = 1
	wrongUse = 2
)

// Main runs the subcommand and exits.
func Main(c Case) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Run(ctx, c, os.Args[1:], os.Getenv(PageVariable), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Run is Main for a test.
func Run(ctx context.Context, c Case, args []string, page string, out, progress io.Writer) int {
	l := &lab{Case: c, page: page, out: json.NewEncoder(out), progress: progress}
	if len(args) > 0 {
		if run := l.subcommands()[args[0]]; run != nil {
			return run(ctx, args[1:])
		}
		if what := parts[args[0]]; what != "" {
			fmt.Fprintln(l.progress, "this case has no "+what)
			return wrongUse
		}
	}
	return l.usage()
}

// parts are what a subcommand needs of a case, whether or not it runs.
var parts = map[string]string{"estimate": "capacity sheet", "bench": "benches", "curveball": "curveballs"}

type lab struct {
	Case
	page     string
	out      *json.Encoder
	progress io.Writer
}

type subcommand func(ctx context.Context, args []string) int

// subcommands are those that the case has.
func (l *lab) subcommands() map[string]subcommand {
	has := map[string]subcommand{}
	if l.Sheet != nil {
		has["estimate"] = l.estimate
	}
	if len(l.Benches) > 0 {
		has["bench"] = l.bench
	}
	if len(l.Curveballs) > 0 {
		has["curveball"] = l.curveball
	}
	if l.page == "" { // the others talk to the running case
		return has
	}
	has["seed"] = l.seed
	if l.Demo != nil {
		has["demo"] = l.demo
	}
	return has
}

func (l *lab) usage() int {
	fmt.Fprint(l.progress, `lab estimate [--set NAME=VALUE ...] [--of ROW] [--charts]
                                          the capacity sheet, which input moves the row most, and its laws beside what was measured
lab seed                                  put sample data in, once
lab demo                                  walk the journey and check every figure
lab bench [--list] [--quick] [NAME ...]   measure beside the baselines, into bench/results.json
lab curveball [--list] [NAME ...]         run experiments

seed and demo need `+PageVariable+`, the address of the page: http://127.0.0.1:8080/
bench and curveball need the backends of a kit, and start the case themselves
`)
	return wrongUse
}

// print writes a line for the kit; if that has gone, nobody reads it.
func (l *lab) print(v any) { _ = l.out.Encode(v) }

func (l *lab) seed(ctx context.Context, args []string) int {
	if len(args) > 0 {
		return l.usage()
	}
	if l.Seed == nil { // the case needs none
		return held
	}
	began := time.Now()
	figure, err := l.Seed(ctx, l.page)
	s := Step{Step: "seed", Figure: figure, OK: err == nil, MS: time.Since(began).Milliseconds()}
	if err != nil {
		s.Figure = err.Error()
	}
	l.print(s)
	return verdict(err)
}

func (l *lab) demo(ctx context.Context, args []string) int {
	if len(args) > 0 {
		return l.usage()
	}
	err := l.Demo(ctx, l.page, l.progress, func(s Step) { l.print(s) })
	if err != nil && !errors.Is(err, ErrFailed) {
		l.print(Step{Step: "demo", Figure: err.Error()})
	}
	return verdict(err)
}

// An Estimate is the line that estimate prints.
type Estimate struct {
	Title string         `json:"title"`
	Rows  []estimate.Row `json:"rows"`
	// Effects are the inputs that move the row Of, the strongest first.
	Of      string            `json:"of,omitempty"`
	Effects []estimate.Effect `json:"effects,omitempty"`
	// Charts are the sheet's, where they were asked for.
	Charts []estimate.Chart `json:"charts,omitempty"`
}

func (l *lab) estimate(_ context.Context, args []string) int {
	var texts []string
	flags := flag.NewFlagSet("estimate", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	of := flags.String("of", "", "")
	charts := flags.Bool("charts", false, "")
	flags.Func("set", "", func(text string) error { texts = append(texts, text); return nil })
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return l.usage()
	}
	sheet := l.Sheet()
	e := Estimate{Title: sheet.Title, Of: *of}
	rows, err := sheet.Evaluate(nil)
	var set map[string]float64
	if err == nil {
		set, err = settings(rows, texts)
	}
	if err == nil {
		e.Rows, err = sheet.Evaluate(set)
	}
	if err == nil && *of != "" {
		e.Effects, err = sheet.Sensitivity(*of, set)
	}
	if err == nil && *charts {
		e.Charts, err = sheet.Charts()
	}
	if err != nil {
		fmt.Fprintln(l.progress, err)
		return wrongUse
	}
	for _, r := range e.Rows {
		if _, ok := set[r.Name]; ok && (r.Value < r.Low || r.Value > r.High) {
			fmt.Fprintf(l.progress, "%s is plausible from %g to %g %s; this is calculated with %g\n", r.Name, r.Low, r.High, r.Unit, r.Value)
		}
	}
	l.print(e)
	return held
}

// settings reads NAME=NUMBER for inputs of the sheet. After the number may stand
// the unit in which the sheet has the input, and no other.
func settings(rows []estimate.Row, texts []string) (map[string]float64, error) {
	set := map[string]float64{}
	for _, text := range texts {
		name, value, found := strings.Cut(text, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		unit := ""
		if i := slices.IndexFunc(rows, func(r estimate.Row) bool { return r.Name == name }); i >= 0 {
			unit = rows[i].Unit
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(value, unit)), 64)
		if !found || err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			in := ""
			if unit != "" {
				in = fmt.Sprintf("; %s is in %s", name, unit)
			}
			return nil, fmt.Errorf("--set %q isn't NAME=NUMBER, as in --set 'peak factor=5'%s", text, in)
		}
		set[name] = v
	}
	return set, nil
}

func verdict(err error) int {
	if err != nil {
		return failed
	}
	return held
}

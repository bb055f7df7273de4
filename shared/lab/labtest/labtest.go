// Package labtest is what every case tests of what it gives its lab: that its
// design doc says what the code does, and that its experiments are whole and hold.
package labtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"strings"
	"testing"

	"designkits/shared/bench"
	"designkits/shared/curveball"
	"designkits/shared/designdoc"
	"designkits/shared/estimate"
	"designkits/shared/lab"
)

var weave = flag.Bool("weave", false, "weave DESIGN.md anew")

// DesignDoc checks DESIGN.md in the working directory, a case's folder: its woven
// parts and its links. Every case has the parts "sheet", "bench" and "curveballs";
// own are those that this one has besides. With the flag -weave they are made anew
// first. That the diagrams can be drawn, the study page's tests check.
func DesignDoc(t *testing.T, c lab.Case, own map[string]designdoc.Part) {
	t.Helper()
	const path = "DESIGN.md"
	parts := map[string]designdoc.Part{
		"sheet": func() (string, error) {
			rows, err := c.Sheet().Evaluate(nil)
			return estimate.Markdown(rows), err
		},
		"bench": func() (string, error) {
			measured, err := bench.Read("bench/results.json")
			return measured.Markdown(), err
		},
		"curveballs": func() (string, error) {
			measured, err := curveball.ReadResults(curveball.ResultsFile)
			return curveball.Markdown(c.Curveballs, measured), err
		},
	}
	maps.Copy(parts, own)
	if *weave {
		if err := designdoc.Weave(path, parts); err != nil {
			t.Fatal(err)
		}
	}
	if err := designdoc.Drift(path, parts); err != nil {
		t.Error(err)
	}
	if err := designdoc.DeadLinks(path); err != nil {
		t.Error(err)
	}
}

// Whole checks that experiments can be run and explained.
func Whole(t *testing.T, experiments []curveball.Experiment) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range experiments {
		if err := e.Check(); err != nil {
			t.Error(err)
		}
		if e.Answer == "" {
			t.Errorf("%s: the design doc has no answer to show", e.Name)
		}
		if seen[e.Name] {
			t.Errorf("there are two experiments named %s", e.Name)
		}
		seen[e.Name] = true
	}
}

// Hold carries out experiments as the kit does, side by side.
func Hold(t *testing.T, experiments ...curveball.Experiment) {
	t.Helper()
	for _, e := range experiments {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			var out, progress bytes.Buffer
			code := lab.Run(t.Context(), lab.Case{Curveballs: experiments}, []string{"curveball", e.Name}, "", &out, &progress)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			var last lab.CurveballLine
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Report == nil {
				t.Fatalf("exit status %d without a report: %v %s%s", code, err, out.String(), progress.String())
			}
			if code != 0 || last.Report.Verdict != curveball.Held {
				t.Errorf("exit status %d: %s", code, curveball.Text(*last.Report))
			}
		})
	}
}

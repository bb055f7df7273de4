package curveballs_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"designkits/cases/shortener/curveballs"
	"designkits/shared/curveball"
	"designkits/shared/lab"
)

func TestEveryExperimentIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range curveballs.All {
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

// Two that are quick, carried out as the kit does. `kit curveball shortener
// --all` carries out all.
func TestQuickExperimentsHold(t *testing.T) {
	var out, progress bytes.Buffer
	code := lab.Run(t.Context(), lab.Case{Curveballs: curveballs.All}, []string{"curveball", curveballs.MaliciousTargets.Name, curveballs.ClockGoesBack.Name}, "", &out, &progress)
	if code != 0 {
		t.Errorf("exit status %d: %s", code, progress.String())
	}
	held := 0
	for line := range strings.Lines(out.String()) {
		var l lab.CurveballLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if l.Report != nil {
			t.Log(curveball.Text(*l.Report))
			if l.Report.Verdict == curveball.Held {
				held++
			}
		}
	}
	if held != 2 {
		t.Errorf("%d of 2 experiments held", held)
	}
}

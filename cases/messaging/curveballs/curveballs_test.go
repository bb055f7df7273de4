package curveballs_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"designkits/cases/messaging/curveballs"
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

// Those that are quick, carried out as the kit does. `kit curveball messaging
// --all` carries out all.
func TestQuickExperimentsHold(t *testing.T) {
	for _, e := range []curveball.Experiment{curveballs.TwoOwners, curveballs.WrongClock, curveballs.TenTimes} {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			var out, progress bytes.Buffer
			code := lab.Run(t.Context(), lab.Case{Curveballs: curveballs.All}, []string{"curveball", e.Name}, "", &out, &progress)
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

package curveball_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/load"
)

func TestTheReportShowsLoadFaultsAndVerdictsAndEscapesText(t *testing.T) {
	r := curveball.Report{
		Name: "store-dies", Question: "The store dies <now>?", Verdict: curveball.DidNotHold,
		Measured: []curveball.Outcome{{Figure: "lost", Value: 3, Band: "lost = 0"}},
		Timeline: []curveball.Event{{At: 1, Kind: curveball.Fault, Text: "killed"}, {At: 2, Kind: curveball.Mended, Text: "back"}},
		Load: []curveball.Load{
			{Name: "reads", Seconds: []load.Second{{OK: 10, Worst: time.Second}, {OK: 4, Failed: 6, Worst: 2 * time.Second}}},
			{Name: "writes", From: 1, Seconds: []load.Second{{OK: 1, Worst: 8 * time.Second}}}, // at the same time
			{Name: "never begun"},
		},
		Control: curveball.Control{Name: "without", Measured: []curveball.Outcome{{Figure: "lost"}}, Timeline: []curveball.Event{{At: 3, Kind: curveball.Fault, Text: "killed without load"}}},
	}
	var page strings.Builder
	if err := curveball.HTML(&page, "Test", []curveball.Report{r}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The store dies &lt;now&gt;?", `class="bad">did not hold`, `<line class="mended"`, "4 answered, 6 failed", `points="180.0,36.0 540.0,0.0 "`, `points="540.0,0.0 "`,
		"at most 10 calls in a second, the slowest took 2s", "at most 1 calls in a second, the slowest took 8s", "killed without load</title>", `viewBox="0 -2 720 76"`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strips, marks := strings.Count(page.String(), "<figure>"), strings.Count(page.String(), `<line class="fault"`); strips != 3 || marks != 3 {
		t.Errorf("there are %d strips with %d faults, want one for each load that ran and one for the control's fault", strips, marks)
	}
	if text := curveball.Text(r); !strings.Contains(text, "FAIL lost: 3, expected lost = 0") || !strings.Contains(text, "DID NOT HOLD") {
		t.Errorf("the text is\n%s", text)
	}
}

func TestAnOutcomeThatIsNoNumberStaysOne(t *testing.T) {
	raw, err := json.Marshal(curveball.Outcome{Figure: "p99", Value: math.Inf(1)})
	if err != nil {
		t.Fatal(err)
	}
	var back curveball.Outcome
	if err := json.Unmarshal(raw, &back); err != nil || !math.IsNaN(back.Value) || back.Figure != "p99" {
		t.Errorf("%s became %+v, %v", raw, back, err)
	}
}

package curveball_test

import (
	"path/filepath"
	"strings"
	"testing"

	"designkits/shared/curveball"
)

func TestTheDocShowsWhatWasMeasured(t *testing.T) {
	e := experiment(0, 5)
	e.Answer = "Because."
	report, err := curveball.Run(t.Context(), e, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "results.json")
	if none, err := curveball.ReadResults(path); err != nil || len(none.Results) > 0 {
		t.Errorf("before the first run: %+v, %v", none, err)
	}
	if err := curveball.Results([]curveball.Report{report}).Write(path); err != nil {
		t.Fatal(err)
	}
	results, err := curveball.ReadResults(path)
	if err != nil {
		t.Fatal(err)
	}
	text := curveball.Markdown([]curveball.Experiment{e}, results)
	for _, want := range []string{"### ?", "Because.", "| lost ≤ 1 | 0 | 5 |", "without care", results.Machine} {
		if !strings.Contains(text, want) {
			t.Errorf("the section lacks %q:\n%s", want, text)
		}
	}
	const other = "otherwise than expected"
	if strings.Contains(text, other) {
		t.Errorf("it held, and the section says:\n%s", text)
	}
	results.Results[0].Verdict = curveball.DidNotHold
	if text := curveball.Markdown([]curveball.Experiment{e}, results); !strings.Contains(text, other+":** did not hold.") {
		t.Errorf("it did not hold, and the section says:\n%s", text)
	}
	if unmeasured := curveball.Markdown([]curveball.Experiment{e}, curveball.File{}); !strings.Contains(unmeasured, "| lost ≤ 1 | – | – |") {
		t.Errorf("without results:\n%s", unmeasured)
	}
}

func TestALargeFigureIsWrittenOut(t *testing.T) {
	for v, want := range map[float64]string{0: "0%", 94.93: "94.93%", 4.3571: "4.357%", 9999: "9999%", 12220: "12220%", 13371.6: "13372%"} {
		o := curveball.Outcome{Figure: "lost", Value: v, Unit: "%", Band: "lost ≤ 1"}
		if o.String() != "lost: "+want+", expected lost ≤ 1" {
			t.Errorf("%v is written %q, want %s", v, o, want)
		}
	}
}

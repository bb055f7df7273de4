package curveball_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/load"
)

// experiment measures 1 on the real variant and, on the control, what it is told.
func experiment(real, naive float64) curveball.Experiment {
	return curveball.Experiment{
		Name: "x", Question: "?", Hypothesis: "!",
		Expect:  curveball.Bands{curveball.AtMost("lost", "", 1)},
		Control: curveball.Without("care", "care", "off"),
		Run: func(_ context.Context, t *curveball.Trial) error {
			if t.Option("care", "on") == "off" {
				t.Figure("lost", naive)
			} else {
				t.Figure("lost", real)
			}
			return nil
		},
	}
}

func TestAPassNeedsAFailingControl(t *testing.T) {
	for _, c := range []struct {
		real, naive float64
		want        curveball.Verdict
	}{
		{0, 5, curveball.Held},
		{1, 1.01, curveball.Held}, // the ends of a band belong to it
		{2, 5, curveball.DidNotHold},
		{0, 0, curveball.ControlHeld},
	} {
		r, err := curveball.Run(t.Context(), experiment(c.real, c.naive), nil)
		if err != nil || r.Verdict != c.want {
			t.Errorf("real %v, naive %v: %s, %v, want %s", c.real, c.naive, r.Verdict, err, c.want)
		}
	}
}

func TestNoFaultIsLeftBehind(t *testing.T) {
	boom := errors.New("boom")
	for name, end := range map[string]func() error{
		"returns": func() error { return nil },
		"fails":   func() error { return boom },
		"panics":  func() error { panic("at the worst moment") },
	} {
		var mended []string
		e := experiment(0, 5)
		e.Run = func(ctx context.Context, t *curveball.Trial) error {
			t.Figure("lost", 0)
			t.Cleanup(func(context.Context) error { mended = append(mended, "case stopped"); return nil })
			for _, what := range []string{"redis killed", "kafka paused"} {
				if err := t.Break(ctx, what,
					func(context.Context) error { return nil },
					func(context.Context) error { mended = append(mended, what); return nil }); err != nil {
					return err
				}
			}
			return end()
		}
		e.Control, e.NoControl = nil, "this test is about the end"
		_, _ = curveball.Run(t.Context(), e, nil) // how it ended is not the point
		if want := []string{"kafka paused", "redis killed", "case stopped"}; !slices.Equal(mended, want) {
			t.Errorf("%s: mended %v, want %v", name, mended, want)
		}
	}
}

func TestSilenceIsNoPass(t *testing.T) {
	e := experiment(0, 5)
	e.Expect = append(e.Expect, curveball.AtMost("p99", "ms", 60))
	r, err := curveball.Run(t.Context(), e, nil)
	if err == nil || r.Verdict != curveball.Broken || !strings.Contains(err.Error(), "p99") {
		t.Errorf("%s, %v: a promised figure was not measured", r.Verdict, err)
	}
	e = experiment(0, 5)
	e.Control = nil
	if _, err := curveball.Run(t.Context(), e, nil); err == nil {
		t.Error("an experiment without a control and without a reason was run")
	}
}

func TestTheReportTellsTheStory(t *testing.T) {
	e := experiment(0, 5)
	run := e.Run
	e.Run = func(ctx context.Context, t *curveball.Trial) error {
		_, err := t.Load(ctx, "calls", load.Plan{Rate: 100, For: 100 * time.Millisecond}, func(context.Context, int, int) error { return nil })
		return errors.Join(err, run(ctx, t))
	}
	var seen []string
	r, err := curveball.Run(t.Context(), e, func(variant string, m curveball.Moment) {
		if m.Event != nil {
			seen = append(seen, variant+string(m.Event.Kind))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Load) != 1 || len(r.Load[0].Seconds) != 1 || r.Load[0].Seconds[0].OK != 10 {
		t.Errorf("load %+v", r.Load)
	}
	if want := []string{"phase", "note", "without carephase", "without carenote"}; !slices.Equal(seen, want) {
		t.Errorf("watched %q, want %q", seen, want)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"name", "question", "expected", "measured", "verdict", "control"} {
		if !strings.Contains(string(raw), `"`+key+`"`) {
			t.Errorf("the report lacks %q: %s", key, raw)
		}
	}
}

// What is measured is told while the load goes on, of two loads at once, and what was
// told in the end is what the report says.
func TestALoadIsToldOfWhileItRuns(t *testing.T) { synctest.Test(t, tellsOfALoad) }

func tellsOfALoad(t *testing.T) {
	told := map[string]*curveball.Load{}
	var mu sync.Mutex // the load's workers look, too
	e := experiment(0, 5)
	e.Control, e.NoControl = nil, "this test is about the load"
	e.Run = func(ctx context.Context, trial *curveball.Trial) error {
		trial.Figure("lost", 0)
		var both sync.WaitGroup
		for _, name := range []string{"reads", "writes"} {
			call := func(_ context.Context, _, n int) error {
				mu.Lock()
				defer mu.Unlock()
				if so := told[name]; n == 29 && (so == nil || len(so.Seconds) != 2 || so.Seconds[1].Failed != 1) {
					t.Errorf("before the last call is back, %+v was told of %s", so, name)
				}
				if n == 15 {
					return errors.New("boom")
				}
				return nil
			}
			both.Go(func() {
				if _, err := trial.Load(ctx, name, load.Plan{Rate: 10, For: 3 * time.Second}, call); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		return nil
	}
	r, err := curveball.Run(t.Context(), e, func(_ string, m curveball.Moment) {
		if m.Sample == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		l := told[m.Sample.Load]
		if l == nil {
			l = &curveball.Load{Name: m.Sample.Load, From: m.Sample.From}
			told[l.Name] = l
		}
		l.Put(*m.Sample)
	})
	if err != nil || len(r.Load) != 2 {
		t.Fatalf("%+v, %v", r.Load, err)
	}
	for _, l := range r.Load {
		if got := told[l.Name]; got == nil || len(l.Seconds) != 3 || !reflect.DeepEqual(*got, l) {
			t.Errorf("the report says %+v, and %+v was told", l, got)
		}
	}
}

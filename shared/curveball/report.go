package curveball

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"
)

// A Verdict is what an experiment came to.
type Verdict string

// The verdicts.
const (
	// Held: the figures lie in their bands, and the naive variant's don't.
	Held Verdict = "held"
	// DidNotHold: a figure lies outside its band.
	DidNotHold Verdict = "did not hold"
	// ControlHeld: the naive variant did as well, so the experiment shows nothing.
	ControlHeld Verdict = "the control held too"
	// Broken: the experiment could not be carried out.
	Broken Verdict = "broken"
)

// A Report is what came of an experiment.
type Report struct {
	Name       string    `json:"name"`
	Question   string    `json:"question"`
	Hypothesis string    `json:"hypothesis"`
	Expected   []string  `json:"expected"`
	Measured   []Outcome `json:"measured"`
	Verdict    Verdict   `json:"verdict"`
	Reason     string    `json:"reason,omitempty"`
	Control    Control   `json:"control"`
	Timeline   []Event   `json:"timeline"`
	Load       []Load    `json:"load"`
}

// An Outcome is a figure beside its band.
type Outcome struct {
	Figure string  `json:"figure"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Band   string  `json:"band"`
	Held   bool    `json:"held"`
}

// String is one line for a person.
func (o Outcome) String() string {
	return fmt.Sprintf("%s: %s, expected %s", o.Figure, o.value(), o.Band)
}

// value is the figure with its unit.
func (o Outcome) value() string {
	unit := o.Unit
	if unit != "" && unit != "%" {
		unit = " " + unit
	}
	return number(o.Value) + unit
}

// number writes a value with four significant digits, or all of a large one
// before its point.
func number(v float64) string {
	if math.Abs(v) >= 10_000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

// A Control is what came of the naive variant.
type Control struct {
	Name     string    `json:"name,omitempty"`
	None     string    `json:"none,omitempty"` // why there is none
	Failed   bool      `json:"failed"`         // as it should
	Measured []Outcome `json:"measured,omitempty"`
	Timeline []Event   `json:"timeline,omitempty"`
	Load     []Load    `json:"load,omitempty"`
}

// Run carries the experiment out, the real variant first and then the control.
// watch, which may be nil, is told of events and of each second of a load as they
// happen, one at a time. The error is that of an experiment that can't be carried
// out; a report is returned all the same.
func Run(ctx context.Context, e Experiment, watch func(variant string, m Moment)) (Report, error) {
	r := Report{Name: e.Name, Question: e.Question, Hypothesis: e.Hypothesis, Verdict: Broken}
	for _, b := range e.Expect {
		r.Expected = append(r.Expected, b.String())
	}
	broken := func(err error) (Report, error) {
		r.Reason = err.Error()
		return r, err
	}
	if err := e.Check(); err != nil {
		return broken(err)
	}
	trial := newTrial(nil, watching(watch, ""))
	err := trial.run(ctx, e)
	r.Timeline, r.Load = trial.events, trial.loads
	if err == nil {
		r.Measured, err = trial.outcomes(e.Expect)
	}
	if err != nil {
		return broken(err)
	}
	if e.Control == nil {
		r.Control.None = e.NoControl
	} else if err := control(ctx, e, watch, &r.Control); err != nil {
		return broken(fmt.Errorf("control %s: %w", e.Control.Name, err))
	}
	r.Verdict = Held
	switch {
	case !allHeld(r.Measured):
		r.Verdict = DidNotHold
	case e.Control != nil && !r.Control.Failed:
		r.Verdict = ControlHeld
	}
	return r, nil
}

// control runs the naive variant, whose figures must leave the bands.
func control(ctx context.Context, e Experiment, watch func(string, Moment), c *Control) error {
	c.Name = e.Control.Name
	trial := newTrial(e.Control.Options, watching(watch, c.Name))
	err := trial.run(ctx, e)
	c.Timeline, c.Load = trial.events, trial.loads
	if err == nil {
		c.Measured, err = trial.outcomes(e.Expect)
	}
	c.Failed = err == nil && !allHeld(c.Measured)
	return err
}

// watching is for one trial, whose loads and faults may be told of by many goroutines.
func watching(watch func(string, Moment), variant string) func(Moment) {
	if watch == nil {
		return nil
	}
	var one sync.Mutex
	return func(m Moment) {
		one.Lock()
		defer one.Unlock()
		watch(variant, m)
	}
}

// outcomes puts the figures beside their bands. A figure that was promised and
// not measured is an error: silence is no pass.
func (t *Trial) outcomes(bands Bands) ([]Outcome, error) {
	var outcomes []Outcome
	for _, b := range bands {
		found := false
		for _, f := range t.figures {
			if f.Name == b.Figure {
				found = true
				outcomes = append(outcomes, Outcome{f.Name, f.Value, b.Unit, b.String(), b.Holds(f.Value)})
			}
		}
		if !found {
			return nil, fmt.Errorf("figure %q was promised and not measured", b.Figure)
		}
	}
	return outcomes, nil
}

func allHeld(outcomes []Outcome) bool {
	for _, o := range outcomes {
		if !o.Held {
			return false
		}
	}
	return true
}

// MarshalJSON writes a value that isn't finite as null, which JSON has no
// number for.
func (o Outcome) MarshalJSON() ([]byte, error) {
	type plain Outcome // without this method
	if math.IsInf(o.Value, 0) || math.IsNaN(o.Value) {
		return json.Marshal(struct {
			plain
			Value any `json:"value"`
		}{plain: plain(o)})
	}
	return json.Marshal(plain(o))
}

// UnmarshalJSON reads null as a value that isn't a number.
func (o *Outcome) UnmarshalJSON(raw []byte) error {
	type plain Outcome // without this method
	read := struct {
		*plain
		Value *float64 `json:"value"`
	}{plain: (*plain)(o)}
	if err := json.Unmarshal(raw, &read); err != nil {
		return fmt.Errorf("read an outcome: %w", err)
	}
	o.Value = math.NaN()
	if read.Value != nil {
		o.Value = *read.Value
	}
	return nil
}

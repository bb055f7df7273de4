// Package curveball makes an interviewer's "and what if …?" an experiment: a
// question, a hypothesis, load, a fault, and bands in which the measured
// figures must lie.
//
//	var RedisDies = curveball.Experiment{
//		Name:       "redis-dies",
//		Question:   "Redis dies at peak. Do people still get where they want to go?",
//		Hypothesis: "Redirects go on from Cassandra behind the breaker; no click is lost.",
//		Expect: curveball.Bands{
//			curveball.AtMost("failed redirects", "%", 0.1),
//			curveball.AtMost("clicks lost", "", 0),
//		},
//		Control: curveball.Without("the breaker", "breaker", "off"),
//		Run: func(ctx context.Context, t *curveball.Trial) error { … t.Figure("clicks lost", lost) … },
//	}
//
// A pass means something only because its negative control fails: the runner
// runs the same experiment on the naive variant too, and the verdict is "held"
// only when the figures lie in their bands and the naive variant's don't.
package curveball

import (
	"context"
	"fmt"
	"math"
)

// An Experiment is one curveball.
type Experiment struct {
	// Name is what a person types: "redis-dies".
	Name       string
	Question   string
	Hypothesis string
	// Answer is what there is to say to an interviewer, in Markdown; it stands in
	// the design doc, and what is linked there is linked from there.
	Answer string
	// Expect are the bands of the hypothesis. Run must measure each figure.
	Expect Bands
	// Control is the naive variant, which must leave the bands. Where there is
	// none, NoControl says why a pass means something all the same.
	Control   *Variant
	NoControl string
	// Needs are backends beside those of the case: a cluster of three nodes.
	Needs []string
	// Run sets up, loads, injects the fault and measures. It is called once for
	// the real variant and once for the control, each with a fresh Trial.
	Run func(ctx context.Context, t *Trial) error
}

// A Summary is what a list says of an experiment.
type Summary struct {
	Name       string   `json:"name"`
	Question   string   `json:"question"`
	Hypothesis string   `json:"hypothesis"`
	Expected   []string `json:"expected"`
	Control    string   `json:"control,omitempty"`
	Needs      []string `json:"needs,omitempty"`
	// Predict is the figure that a reader is asked to predict, and its unit.
	Predict string `json:"predict"`
	Unit    string `json:"unit,omitempty"`
}

// Summary returns the experiment's.
func (e Experiment) Summary() Summary {
	s := Summary{Name: e.Name, Question: e.Question, Hypothesis: e.Hypothesis, Needs: e.Needs}
	for _, b := range e.Expect {
		s.Expected = append(s.Expected, b.String())
	}
	if len(e.Expect) > 0 {
		s.Predict, s.Unit = e.Expect[0].Figure, e.Expect[0].Unit
	}
	if e.Control != nil {
		s.Control = e.Control.Name
	}
	return s
}

// A Variant is the system with some options set to the naive choice.
type Variant struct {
	Name    string            `json:"name"` // "without the breaker"
	Options map[string]string `json:"options"`
}

// Without is the variant that lacks something: it sets one option.
func Without(what, option, value string) *Variant {
	return &Variant{Name: "without " + what, Options: map[string]string{option: value}}
}

// With is the variant that has something else instead: it sets one option.
func With(what, option, value string) *Variant {
	return &Variant{Name: "with " + what, Options: map[string]string{option: value}}
}

// A Band is where a figure must lie, both ends included.
type Band struct {
	Figure string
	Unit   string
	Min    float64 // -Inf for none
	Max    float64 // +Inf for none
}

// Bands are the bands of one experiment; the first figure is the one that a
// reader is asked to predict.
type Bands []Band

// AtMost is a band without a lower end.
func AtMost(figure, unit string, limit float64) Band {
	return Band{figure, unit, math.Inf(-1), limit}
}

// AtLeast is a band without an upper end.
func AtLeast(figure, unit string, limit float64) Band {
	return Band{figure, unit, limit, math.Inf(1)}
}

// Between is a band with both ends.
func Between(figure, unit string, low, high float64) Band {
	return Band{figure, unit, low, high}
}

// Holds reports whether a value lies in the band. No number does not.
func (b Band) Holds(v float64) bool { return v >= b.Min && v <= b.Max }

// String is the band as a person reads it: "clicks lost ≤ 0".
func (b Band) String() string {
	unit := b.Unit
	if unit != "" && unit != "%" {
		unit = " " + unit
	}
	switch {
	case b.Min == b.Max:
		return fmt.Sprintf("%s = %v%s", b.Figure, b.Min, unit)
	case math.IsInf(b.Min, -1):
		return fmt.Sprintf("%s ≤ %v%s", b.Figure, b.Max, unit)
	case math.IsInf(b.Max, 1):
		return fmt.Sprintf("%s ≥ %v%s", b.Figure, b.Min, unit)
	default:
		return fmt.Sprintf("%v%s ≤ %s ≤ %v%s", b.Min, unit, b.Figure, b.Max, unit)
	}
}

// Check says what is wrong with an experiment as it is written, before it runs.
func (e Experiment) Check() error {
	switch {
	case e.Name == "" || e.Question == "" || e.Hypothesis == "" || e.Run == nil:
		return fmt.Errorf("experiment %q: name, question, hypothesis and run are all needed", e.Name)
	case len(e.Expect) == 0:
		return fmt.Errorf("experiment %q expects nothing, so nothing can prove it wrong", e.Name)
	case e.Control == nil && e.NoControl == "":
		return fmt.Errorf("experiment %q has no control and doesn't say why", e.Name)
	case e.Control != nil && e.NoControl != "":
		return fmt.Errorf("experiment %q has a control and says why it has none", e.Name)
	}
	return nil
}

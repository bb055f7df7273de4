package estimate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
)

// A Sheet is a list of inputs and of rows derived from them, in the order in
// which they were added. It is built once and then only read.
type Sheet struct {
	Title string

	rows    []row
	inputs  inputs
	units   map[string]Unit
	results map[string]float64
	charts  []*Chart
	err     error
}

type row struct {
	Row
	expr *Expr
	unit Unit
}

// A Row is one evaluated line of a sheet.
type Row struct {
	Name    string  `json:"name"`
	Kind    Kind    `json:"kind"`
	Value   float64 `json:"value"` // in Unit
	Unit    string  `json:"unit"`
	Formula string  `json:"formula,omitempty"`
	// Source is where an input's figure is from, or the remark on a row.
	Source string `json:"source,omitempty"`
	// Low and High are the range in which an input is plausible.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
	// Text is the value as a person writes it, with its unit.
	Text string `json:"text"`
}

// A Kind says what a row is.
type Kind string

// The kinds of rows.
const (
	Input    Kind = "input"    // may be set by the reader
	Measured Kind = "measured" // from bench/results.json; may be set too
	Derived  Kind = "derived"
	Slip     Kind = "slip" // a well-known mistake, calculated to show how far off it is
)

// New returns an empty sheet.
func New(title string) *Sheet {
	return &Sheet{Title: title, inputs: inputs{}, units: map[string]Unit{}, results: map[string]float64{}}
}

// UseResults reads the figures that Measured rows take, from a bench's
// results.json. It is called before the first Measured.
func (s *Sheet) UseResults(path string) *Sheet {
	raw, err := os.ReadFile(path)
	if err != nil {
		s.fail(fmt.Errorf("measured figures: %w", err))
		return s
	}
	return s.UseResultsJSON(raw)
}

// UseResultsJSON is UseResults for figures that are embedded.
func (s *Sheet) UseResultsJSON(raw []byte) *Sheet {
	var file struct {
		Results []struct {
			Name  string  `json:"name"`
			Value float64 `json:"value"`
		} `json:"results"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		s.fail(fmt.Errorf("measured figures: %w", err))
		return s
	}
	for _, r := range file.Results {
		s.results[r.Name] = r.Value
	}
	return s
}

// Between sets the range in which the last input is plausible; pages show it
// as a slider. Without it the range is a tenth to ten times the value.
func (s *Sheet) Between(low, high float64) *Sheet {
	last := &s.rows[len(s.rows)-1]
	last.Low, last.High = low, high
	return s
}

// Input adds a figure that the reader may change, and says where it is from.
func (s *Sheet) Input(name string, value float64, unit Unit, source string) *Expr {
	return s.input(Input, name, value, unit, source)
}

// Measured adds the figure of the named bench result, which is in unit.
func (s *Sheet) Measured(name, result string, unit Unit) *Expr {
	value, err := s.result(result)
	if err != nil {
		s.fail(fmt.Errorf("%s: %w", name, err))
	}
	return s.input(Measured, name, value, unit, "measured: bench "+result)
}

func (s *Sheet) result(name string) (float64, error) {
	value, ok := s.results[name]
	if !ok {
		return 0, fmt.Errorf("bench/results.json has no result %q; it has %s", name, strings.Join(slices.Sorted(maps.Keys(s.results)), ", "))
	}
	return value, nil
}

func (s *Sheet) input(kind Kind, name string, value float64, unit Unit, source string) *Expr {
	s.claim(name)
	s.inputs[name] = value * unit.size
	s.units[name] = unit
	e := &Expr{dims: unit.dims, name: name, value: func(in inputs) float64 { return in[name] }}
	s.rows = append(s.rows, row{Row{Name: name, Kind: kind, Source: source, Low: value / 10, High: value * 10}, e, unit})
	return e
}

// Derive adds a row, shown in unit.
func (s *Sheet) Derive(name string, e *Expr, unit Unit) *Expr {
	return s.derive(Derived, name, e, unit, "")
}

// Slip adds a well-known mistake and says what is wrong with it.
func (s *Sheet) Slip(name string, e *Expr, unit Unit, why string) {
	s.derive(Slip, name, e, unit, why)
}

func (s *Sheet) derive(kind Kind, name string, e *Expr, unit Unit, remark string) *Expr {
	s.claim(name)
	if e.err != nil {
		s.fail(fmt.Errorf("%s: %w", name, e.err))
	}
	if e.dims != unit.dims {
		s.fail(fmt.Errorf("%s: is in %v and can't be shown in %q", name, e.dims, unit.name))
	}
	s.rows = append(s.rows, row{Row{Name: name, Kind: kind, Formula: e.formula0(), Source: remark}, e, unit})
	return &Expr{dims: e.dims, name: name, value: e.value}
}

func (s *Sheet) claim(name string) {
	if slices.ContainsFunc(s.rows, func(r row) bool { return r.Name == name }) {
		s.fail(fmt.Errorf("two rows are called %q", name))
	}
}

func (s *Sheet) fail(err error) { s.err = errors.Join(s.err, err) }

// Evaluate calculates every row. set replaces inputs by name, in the unit in
// which the sheet shows them; a name that is no input is an error that lists
// the inputs, and inputs by which a row has no value are an error that names it.
func (s *Sheet) Evaluate(set map[string]float64) ([]Row, error) {
	in, err := s.with(set)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(s.rows))
	for i, r := range s.rows {
		r.Value = r.expr.value(in) / r.unit.size
		if math.IsInf(r.Value, 0) || math.IsNaN(r.Value) {
			return nil, fmt.Errorf("sheet %q: with these inputs %q has no value: %s", s.Title, r.Name, r.Formula)
		}
		r.Unit = r.unit.name
		r.Text = written(r.Value, r.unit)
		rows[i] = r.Row
	}
	return rows, nil
}

func (s *Sheet) with(set map[string]float64) (inputs, error) {
	if s.err != nil {
		return nil, fmt.Errorf("sheet %q: %w", s.Title, s.err)
	}
	in := maps.Clone(s.inputs)
	for name, value := range set {
		unit, ok := s.units[name]
		if !ok {
			return nil, fmt.Errorf("sheet %q has no input %q; it has: %s", s.Title, name,
				strings.Join(slices.Sorted(maps.Keys(s.units)), ", "))
		}
		in[name] = value * unit.size
	}
	return in, nil
}

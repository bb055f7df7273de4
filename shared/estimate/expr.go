package estimate

import (
	"fmt"
	"math"
)

// An Expr is a quantity of a sheet: an input, a row, or a formula over others.
// The methods that combine two never fail; a unit that doesn't fit is reported
// by Evaluate.
type Expr struct {
	dims    dims
	name    string // of an input or a row; formulas that use it show the name
	formula string
	value   func(inputs) float64 // in base units
	err     error
	loose   bool // formula needs brackets inside a product
}

// inputs are the values in force, in base units, by name.
type inputs map[string]float64

// label is how the expression is written inside another's formula.
func (e *Expr) label() string {
	switch {
	case e.name != "":
		return e.name
	case e.loose:
		return "(" + e.formula + ")"
	default:
		return e.formula
	}
}

func (e *Expr) join(op string, o *Expr, d dims, f func(a, b float64) float64) *Expr {
	err := e.err
	if err == nil {
		err = o.err
	}
	return &Expr{
		dims:    d,
		formula: e.label() + " " + op + " " + o.label(),
		value:   func(in inputs) float64 { return f(e.value(in), o.value(in)) },
		err:     err,
	}
}

// Times returns e × o.
func (e *Expr) Times(o *Expr) *Expr {
	return e.join("×", o, e.dims.times(o.dims), func(a, b float64) float64 { return a * b })
}

// Over returns e ÷ o.
func (e *Expr) Over(o *Expr) *Expr {
	if o.name == "" { // a product below the line needs its brackets
		o = &Expr{dims: o.dims, formula: o.formula, value: o.value, err: o.err, loose: true}
	}
	return e.join("÷", o, e.dims.times(o.dims.inverse()), func(a, b float64) float64 { return a / b })
}

// Plus returns e + o, which must measure the same.
func (e *Expr) Plus(o *Expr) *Expr {
	return e.sum("+", o, func(a, b float64) float64 { return a + b })
}

// Minus returns e − o, which must measure the same.
func (e *Expr) Minus(o *Expr) *Expr {
	return e.sum("−", o, func(a, b float64) float64 { return a - b })
}

func (e *Expr) sum(op string, o *Expr, f func(a, b float64) float64) *Expr {
	sum := e.join(op, o, e.dims, f)
	sum.loose = true
	if sum.err == nil && e.dims != o.dims {
		sum.err = fmt.Errorf("%s: %s is in %v and %s in %v", sum.formula, e.label(), e.dims, o.label(), o.dims)
	}
	return sum
}

// RoundUp returns the next whole number: of nodes, of partitions.
func (e *Expr) RoundUp() *Expr {
	return &Expr{
		dims: e.dims, formula: "⌈" + e.formula0() + "⌉", err: e.err,
		// A hair under a whole number is the whole number, not the next.
		value: func(in inputs) float64 { return math.Ceil(e.value(in) - 1e-9) },
	}
}

// AtLeast returns e, or least if that is more: no fleet has fewer nodes than
// it needs to survive one.
func (e *Expr) AtLeast(least float64) *Expr {
	return &Expr{
		dims: e.dims, formula: fmt.Sprintf("max(%s, %s)", e.formula0(), number(least)), err: e.err,
		value: func(in inputs) float64 { return math.Max(e.value(in), least) },
	}
}

// WithHeadroom returns e divided by the share of a node that may be used, so
// that the rest is left for a peak or for a neighbour's death.
func (e *Expr) WithHeadroom(used float64) *Expr {
	return &Expr{
		dims: e.dims, formula: e.label() + " ÷ " + number(used), err: e.err,
		value: func(in inputs) float64 { return e.value(in) / used },
	}
}

func (e *Expr) formula0() string {
	if e.name != "" {
		return e.name
	}
	return e.formula
}

// Const is a quantity that is no input, because it never changes: seconds in
// a day, bits in a byte.
func Const(value float64, unit Unit) *Expr {
	return &Expr{
		dims: unit.dims, formula: written(value, unit),
		value: func(inputs) float64 { return value * unit.size },
	}
}

// Apply is a formula that arithmetic can't express, for example a cache size
// from a Zipf curve. f gets and returns values in the units given, formula is
// what the sheet shows.
func Apply(formula string, unit Unit, f func(args ...float64) float64, args ...*Expr) *Expr {
	e := &Expr{dims: unit.dims, formula: formula}
	for _, a := range args {
		if e.err == nil {
			e.err = a.err
		}
	}
	e.value = func(in inputs) float64 {
		values := make([]float64, len(args))
		for i, a := range args {
			values[i] = a.value(in)
		}
		return f(values...) * unit.size
	}
	return e
}

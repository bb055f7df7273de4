package bench

import (
	"fmt"
	"math"
	"strings"
)

// Cells are a result's columns for a table, joined: its name, the value, the
// baseline, the ratio and the goal.
func Cells(r Result, separator string) string {
	cells := []string{r.Name, figure(r.Value, r.Unit), "", "", r.Goal}
	if r.Baseline != 0 {
		cells[2], cells[3] = figure(r.Baseline, r.Unit), fmt.Sprintf("%.2f", r.Ratio)
	}
	return strings.Join(cells, separator)
}

// figure writes a value with three significant digits, or all of a large one.
func figure(v float64, unit string) string {
	text := fmt.Sprintf("%.3g", v)
	if math.Abs(v) >= 1000 {
		text = fmt.Sprintf("%.0f", v)
	}
	switch unit {
	case "", "%", "/s":
		return text + unit
	default:
		return text + " " + unit
	}
}

// Markdown is the file as a table, with where and when it was measured.
func (f File) Markdown() string {
	if len(f.Results) == 0 {
		return "Nothing has been measured yet.\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s, on %s, at commit %s, where a row doesn't say otherwise.\n\n", f.Machine, f.Date, f.Commit)
	b.WriteString("| | measured | baseline | ratio | goal | |\n|---|---|---|---|---|---|\n")
	for _, r := range f.Results {
		mark := ""
		if r.Goal != "" && !r.Held {
			mark = "**not reached.** "
		}
		earlier := ""
		if r.Earlier != nil {
			earlier = fmt.Sprintf(" (%s, %s, at %s)", r.Earlier.Date, r.Earlier.Machine, r.Earlier.Commit)
		}
		fmt.Fprintf(&b, "| %s | %s%s%s |\n", Cells(r, " | "), mark, r.Note, earlier)
	}
	return b.String()
}

// Find returns the result of a name.
func (f File) Find(name string) (Result, bool) {
	for _, r := range f.Results {
		if r.Name == name {
			return r, true
		}
	}
	return Result{}, false
}

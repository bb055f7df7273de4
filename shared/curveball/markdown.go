package curveball

import (
	"fmt"
	"strings"
)

// Markdown is the section of a design doc: each question with its answer, and
// the experiment that backs it, with what it measured last.
func Markdown(list []Experiment, last File) string {
	results := map[string]Result{}
	for _, r := range last.Results {
		results[r.Name] = r
	}
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", e.Question, e.Answer)
		control, line := "", ""
		if e.Control != nil {
			control, line = " the same "+e.Control.Name+" |", "---:|"
		}
		fmt.Fprintf(&b, "| `%s` expects | measured |%s\n|---|---:|%s\n", e.Name, control, line)
		r := results[e.Name]
		for _, band := range e.Expect {
			fmt.Fprintf(&b, "| %s | %s |", band, value(r.Measured, band.Figure))
			if e.Control != nil {
				fmt.Fprintf(&b, " %s |", value(r.Control, band.Figure))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
		if r.Name != "" && r.Verdict != Held {
			fmt.Fprintf(&b, "**It ended otherwise than expected:** %s.\n\n", r.Verdict)
		}
		if e.Control == nil {
			fmt.Fprintf(&b, "No control: %s.\n\n", e.NoControl)
		}
	}
	if last.Machine != "" {
		fmt.Fprintf(&b, "Measured on %s, on %s.\n", last.Machine, last.Date)
	}
	return b.String()
}

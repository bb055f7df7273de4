package curveball

import (
	"fmt"
	"strings"
)

// Markdown is the section of a design doc: each question with its answer, and
// the experiment that backs it.
func Markdown(list []Experiment) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", e.Question, e.Answer)
		var bands []string
		for _, band := range e.Expect {
			bands = append(bands, band.String())
		}
		fmt.Fprintf(&b, "`%s` expects: %s.\n", e.Name, strings.Join(bands, "; "))
		if e.Control != nil {
			fmt.Fprintf(&b, "The control, the same %s, must fail.\n\n", e.Control.Name)
		} else {
			fmt.Fprintf(&b, "No control: %s.\n\n", e.NoControl)
		}
	}
	return b.String()
}

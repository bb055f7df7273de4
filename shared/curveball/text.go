package curveball

import (
	"fmt"
	"strings"
)

// Text is a report for a terminal.
func Text(r Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n  %s\n", r.Question, r.Hypothesis)
	outcomes := func(list []Outcome) {
		for _, o := range list {
			mark := "ok  "
			if !o.Held {
				mark = "FAIL"
			}
			fmt.Fprintf(&b, "    %s %s\n", mark, o)
		}
	}
	outcomes(r.Measured)
	switch {
	case r.Control.None != "":
		fmt.Fprintf(&b, "  no naive variant: %s\n", r.Control.None)
	case len(r.Control.Measured) > 0:
		fmt.Fprintf(&b, "  the same %s, which must leave a band:\n", r.Control.Name)
		outcomes(r.Control.Measured)
	}
	fmt.Fprintf(&b, "  %s: %s", r.Name, strings.ToUpper(string(r.Verdict)))
	if r.Reason != "" {
		fmt.Fprintf(&b, ": %s", r.Reason)
	}
	return b.String()
}

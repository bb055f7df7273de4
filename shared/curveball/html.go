package curveball

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{"chart": drawn}).Parse(page))

// HTML writes the reports as one page that needs nothing else, with a timeline
// of load, faults and their effect for each variant.
func HTML(w io.Writer, title string, reports []Report) error {
	err := pageTemplate.Execute(w, map[string]any{"Title": title, "Reports": reports})
	if err != nil {
		return fmt.Errorf("write the report of %s: %w", title, err)
	}
	return nil
}

// The size of a timeline in SVG units.
const (
	chartWidth  = 720.0
	chartHeight = 120.0
)

// A chart is a timeline, in SVG units.
type chart struct {
	Width, Height float64
	Bars          []bar
	Slowest       []string // a line for each load: points of the slowest answer in each second
	Marks         []line
	Seconds       float64
	Highest       int64 // calls in a second
	Longest       time.Duration
}

type bar struct {
	X, Width, OKY, OKHeight, FailedY, FailedHeight float64
	Title                                          string
}

type line struct {
	X    float64
	Kind EventKind
	Text string
	At   float64
}

// drawn lays out a timeline: a bar a second, successful calls below failed
// ones, how long the slowest took, and a line for each fault and mend.
func drawn(events []Event, loads []Load) chart {
	c := chart{Width: chartWidth, Height: chartHeight}
	for _, e := range events {
		c.Seconds = max(c.Seconds, e.At)
	}
	for _, l := range loads {
		c.Seconds = max(c.Seconds, l.From+float64(len(l.Seconds)))
		for _, s := range l.Seconds {
			c.Highest = max(c.Highest, s.OK+s.Failed)
			c.Longest = max(c.Longest, s.Worst)
		}
	}
	if c.Seconds == 0 {
		return c
	}
	x := func(at float64) float64 { return at / c.Seconds * chartWidth }
	y := func(calls int64) float64 { return float64(calls) / float64(max(1, c.Highest)) * chartHeight }
	for _, l := range loads {
		var slowest strings.Builder
		for i, s := range l.Seconds {
			at := l.From + float64(i)
			fmt.Fprintf(&slowest, "%.1f,%.1f ", x(at+0.5), chartHeight*(1-float64(s.Worst)/float64(max(1, c.Longest))))
			c.Bars = append(c.Bars, bar{
				X: x(at), Width: max(0.5, x(at+1)-x(at)-0.3),
				OKY: chartHeight - y(s.OK), OKHeight: y(s.OK),
				FailedY: chartHeight - y(s.OK+s.Failed), FailedHeight: y(s.Failed),
				Title: fmt.Sprintf("%s, %.0f s: %d answered, %d failed, slowest %v", l.Name, at, s.OK, s.Failed, s.Worst),
			})
		}
		c.Slowest = append(c.Slowest, slowest.String())
	}
	for _, e := range events {
		if e.Kind == Fault || e.Kind == Mended {
			c.Marks = append(c.Marks, line{x(e.At), e.Kind, e.Text, e.At})
		}
	}
	c.Longest = c.Longest.Round(100 * time.Microsecond)
	return c
}

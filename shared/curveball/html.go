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

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{"chart": drawn, "number": number}).Parse(page))

// HTML writes the reports as one page that needs nothing else, with a timeline
// of load, faults and their effect for each variant.
func HTML(w io.Writer, title string, reports []Report) error {
	err := pageTemplate.Execute(w, map[string]any{"Title": title, "Reports": reports})
	if err != nil {
		return fmt.Errorf("write the report of %s: %w", title, err)
	}
	return nil
}

// The size of a strip in SVG units.
const (
	chartWidth  = 720.0
	chartHeight = 72.0
)

// A chart is a timeline, in SVG units: a strip for each load, all over the same time
// with the same marks across, so that loads at one time are seen beside each other.
type chart struct {
	Width, Height float64
	Strips        []strip
	Marks         []line
	Seconds       float64
}

type strip struct {
	Name    string // of the load; empty where there was none
	Bars    []bar
	Slowest string // points of the slowest answer in each second
	Highest int64  // calls in a second
	Longest time.Duration
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
	}
	if c.Seconds == 0 {
		return c
	}
	x := func(at float64) float64 { return at / c.Seconds * chartWidth }
	for _, l := range loads {
		if len(l.Seconds) > 0 {
			c.Strips = append(c.Strips, drawnLoad(l, x))
		}
	}
	for _, e := range events {
		if e.Kind == Fault || e.Kind == Mended {
			c.Marks = append(c.Marks, line{x(e.At), e.Kind, e.Text, e.At})
		}
	}
	if len(c.Strips) == 0 && len(c.Marks) > 0 {
		c.Strips = []strip{{}} // for the marks
	}
	return c
}

// drawnLoad lays out one load, each on a scale of its own: 2 calls a second beside
// a thousand are a load, too.
func drawnLoad(l Load, x func(at float64) float64) strip {
	s := strip{Name: l.Name}
	for _, second := range l.Seconds {
		s.Highest = max(s.Highest, second.OK+second.Failed)
		s.Longest = max(s.Longest, second.Worst)
	}
	y := func(calls int64) float64 { return float64(calls) / float64(max(1, s.Highest)) * chartHeight }
	var slowest strings.Builder
	for i, second := range l.Seconds {
		at := l.From + float64(i)
		fmt.Fprintf(&slowest, "%.1f,%.1f ", x(at+0.5), chartHeight*(1-float64(second.Worst)/float64(max(1, s.Longest))))
		s.Bars = append(s.Bars, bar{
			X: x(at), Width: max(0.5, x(at+1)-x(at)-0.3),
			OKY: chartHeight - y(second.OK), OKHeight: y(second.OK),
			FailedY: chartHeight - y(second.OK+second.Failed), FailedHeight: y(second.Failed),
			Title: fmt.Sprintf("%s, %.0f s: %d answered, %d failed, slowest %v", l.Name, at, second.OK, second.Failed, second.Worst),
		})
	}
	s.Slowest = slowest.String()
	s.Longest = s.Longest.Round(100 * time.Microsecond)
	return s
}

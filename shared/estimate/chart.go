package estimate

import (
	"fmt"
	"math"
)

// A Chart is a law that the sheet calculates with, drawn beside what the benches
// have measured of it.
type Chart struct {
	Title string  `json:"title"`
	X     string  `json:"x"` // what it is and its unit, for the axis: "links held, %"
	Y     string  `json:"y"`
	Lines []*Line `json:"lines"`

	sheet *Sheet
}

// A Line is the law for one parameter.
type Line struct {
	Name     string  `json:"name"`
	Law      []Point `json:"law"` // calculated by Charts
	Measured []Probe `json:"measured"`

	chart    *Chart
	from, to float64
	law      func(x float64) float64
}

// A Point is a point of a law.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// A Probe is a measured point, and what the law says there.
type Probe struct {
	Point
	Law   float64 `json:"law"`
	Bench string  `json:"bench"` // the result in bench/results.json
}

// linePoints is how many points of a law are drawn.
const linePoints = 60

// Chart adds a chart, to which Line adds its lines.
func (s *Sheet) Chart(title, x, y string) *Chart {
	c := &Chart{Title: title, X: x, Y: y, sheet: s}
	s.charts = append(s.charts, c)
	return c
}

// Line adds the law between two values of x, both above 0.
func (c *Chart) Line(name string, from, to float64, law func(x float64) float64) *Line {
	l := &Line{Name: name, chart: c, from: from, to: to, law: law}
	c.Lines = append(c.Lines, l)
	return l
}

// At adds the figure of the named bench result at x, in the unit of the axis.
func (l *Line) At(x float64, result string) *Line {
	value, err := l.chart.sheet.result(result)
	if err != nil {
		l.chart.sheet.fail(fmt.Errorf("%s, %s: %w", l.chart.Title, l.Name, err))
	}
	l.Measured = append(l.Measured, Probe{Point: Point{x, value}, Law: l.law(x), Bench: result})
	return l
}

// Charts calculates the charts.
func (s *Sheet) Charts() ([]Chart, error) {
	if s.err != nil {
		return nil, fmt.Errorf("sheet %q: %w", s.Title, s.err)
	}
	var charts []Chart
	for _, c := range s.charts {
		drawn := *c
		drawn.Lines = nil
		for _, l := range c.Lines {
			line := *l
			line.Law = l.points()
			drawn.Lines = append(drawn.Lines, &line)
		}
		charts = append(charts, drawn)
	}
	return charts, nil
}

// points are closer where x is small, which is where such laws bend.
func (l *Line) points() (points []Point) {
	for i := range linePoints {
		x := l.from * math.Pow(l.to/l.from, float64(i)/(linePoints-1))
		points = append(points, Point{x, l.law(x)})
	}
	return points
}

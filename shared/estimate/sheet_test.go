package estimate_test

import (
	"math"
	"strings"
	"testing"

	"designkits/shared/estimate"
)

func sheet() *estimate.Sheet {
	s := estimate.New("test").UseResultsJSON([]byte(`{"results":[{"name":"hit","value":40000}]}`))
	links := s.Input("new links", 8.64e6, estimate.PerDay, "source")
	ratio := s.Input("clicks per link", 40, estimate.Ratio, "source")
	size := s.Input("row", 500, estimate.Byte, "schema")
	node := s.Measured("redirects per node", "hit", estimate.PerSecond)
	clicks := s.Derive("clicks", links.Times(ratio), estimate.PerSecond)
	s.Derive("nodes", clicks.Over(node).WithHeadroom(0.6).RoundUp().AtLeast(2), estimate.Count)
	s.Derive("storage", links.Times(size).Times(estimate.Const(5, estimate.Year)), estimate.TB)
	return s
}

func row(t *testing.T, rows []estimate.Row, name string) estimate.Row {
	t.Helper()
	for _, r := range rows {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no row %q", name)
	return estimate.Row{}
}

func TestRowsFollowTheirInputs(t *testing.T) {
	rows, err := sheet().Evaluate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := row(t, rows, "clicks"); got.Value != 4000 || got.Text != "4,000 /s" || got.Formula != "new links × clicks per link" {
		t.Errorf("clicks: %+v", got)
	}
	if got := row(t, rows, "nodes").Value; got != 2 {
		t.Errorf("nodes %v, want the least of 2", got)
	}
	if got := row(t, rows, "storage"); math.Abs(got.Value-7.884) > 1e-9 || got.Text != "7.88 TB" {
		t.Errorf("storage: %+v", got)
	}
	rows, err = sheet().Evaluate(map[string]float64{"new links": 86.4e6, "redirects per node": 10000})
	if err != nil {
		t.Fatal(err)
	}
	if got := row(t, rows, "nodes").Value; got != 7 {
		t.Errorf("nodes %v after --set, want ⌈40,000 ÷ 10,000 ÷ 0.6⌉ = 7", got)
	}
}

func TestUnitsAreChecked(t *testing.T) {
	for name, build := range map[string]func(s *estimate.Sheet, rate, size *estimate.Expr){
		"bytes plus a rate":         func(s *estimate.Sheet, rate, size *estimate.Expr) { s.Derive("x", rate.Plus(size), estimate.PerSecond) },
		"a rate shown in gigabytes": func(s *estimate.Sheet, rate, _ *estimate.Expr) { s.Derive("x", rate, estimate.GB) },
		"money shown as a rate": func(s *estimate.Sheet, _, size *estimate.Expr) {
			s.Derive("x", size.Times(estimate.Const(0.1, estimate.DollarPerGB)), estimate.DollarPerMonth)
		},
	} {
		s := estimate.New("bad")
		build(s, s.Input("rate", 1, estimate.PerSecond, "-"), s.Input("size", 1, estimate.MB, "-"))
		if _, err := s.Evaluate(nil); err == nil || !strings.Contains(err.Error(), "x:") {
			t.Errorf("%s: %v, want an error that names the row", name, err)
		}
	}
}

func TestWrongNamesAreRefused(t *testing.T) {
	if _, err := sheet().Evaluate(map[string]float64{"new link": 1}); err == nil || !strings.Contains(err.Error(), "clicks per link") {
		t.Errorf("a misspelt input: %v, want the list of inputs", err)
	}
	s := estimate.New("bad")
	s.Measured("fleet", "nothing", estimate.PerSecond)
	if _, err := s.Evaluate(nil); err == nil {
		t.Error("a figure that nobody measured was taken")
	}
	s = estimate.New("bad")
	s.Input("a", 1, estimate.Count, "-")
	s.Input("a", 2, estimate.Count, "-")
	if _, err := s.Evaluate(nil); err == nil {
		t.Error("two rows of one name were taken")
	}
}

func TestSensitivityFindsWhatMatters(t *testing.T) {
	effects, err := sheet().Sensitivity("storage", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(effects) != 2 {
		t.Fatalf("%d inputs move storage, want new links and row: %v", len(effects), effects)
	}
	for _, e := range effects {
		if math.Abs(e.Elasticity-1) > 1e-9 || math.Abs(e.Swing-100) > 1e-6 {
			t.Errorf("%s: %+v, want in proportion", e.Input, e)
		}
	}
}

func TestARowWithoutAValueIsRefusedByName(t *testing.T) {
	if _, err := sheet().Evaluate(map[string]float64{"redirects per node": 0}); err == nil || !strings.Contains(err.Error(), `"nodes" has no value: `) {
		t.Errorf("4,000 /s ÷ 0 /s: %v", err)
	}
	s := estimate.New("t")
	files := s.Input("files", 10, estimate.Count, "-")
	s.Between(0, 20)
	s.Derive("kept", files, estimate.Count)
	effects, err := s.Sensitivity("kept", nil)
	if err != nil || len(effects) != 1 || effects[0].Swing != 0 || math.Abs(effects[0].Elasticity-1) > 1e-9 {
		t.Errorf("an input that may be nothing: %+v, %v", effects, err)
	}
}

func TestFiguresAreWrittenForPeople(t *testing.T) {
	s := estimate.New("t")
	for name, c := range map[string]struct {
		value float64
		unit  estimate.Unit
		want  string
	}{
		"whole":   {12345, estimate.Count, "12,345"},
		"digits":  {1234.567, estimate.PerSecond, "1,230 /s"},
		"small":   {0.012345, estimate.Count, "0.0123"},
		"million": {3.5216e12, estimate.Count, "3.52 trillion"},
		"bytes":   {1_500_000, estimate.Byte, "1.5 MB"},
		"percent": {12.5, estimate.Percent, "12.5%"},
		"money":   {1200, estimate.DollarPerMonth, "$1,200/month"},
	} {
		s.Input(name, c.value, c.unit, "-")
		rows, err := s.Evaluate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := row(t, rows, name).Text; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestALawStandsBesideWhatWasMeasured(t *testing.T) {
	s := sheet()
	s.Chart("Squares", "side, m", "area, m²").Line("flat", 1, 100, func(x float64) float64 { return x * x }).At(200, "hit")
	charts, err := s.Charts()
	if err != nil || len(charts) != 1 || len(charts[0].Lines) != 1 {
		t.Fatalf("%+v, %v", charts, err)
	}
	line := charts[0].Lines[0]
	first, last := line.Law[0], line.Law[len(line.Law)-1]
	if first.X != 1 || math.Abs(last.X-100) > 1e-9 || math.Abs(last.Y-10_000) > 1e-6 || line.Law[1].X > 2 {
		t.Errorf("the law goes from %v by %v to %v", first, line.Law[1], last)
	}
	if want := (estimate.Probe{Point: estimate.Point{X: 200, Y: 40_000}, Law: 40_000, Bench: "hit"}); len(line.Measured) != 1 || line.Measured[0] != want {
		t.Errorf("measured %+v, want %+v", line.Measured, want)
	}
	s.Chart("Cubes", "m", "m³").Line("deep", 1, 2, func(x float64) float64 { return x }).At(1, "miss")
	if _, err := s.Charts(); err == nil || !strings.Contains(err.Error(), `Cubes, deep: bench/results.json has no result "miss"`) {
		t.Errorf("a point that nobody measured: %v", err)
	}
}

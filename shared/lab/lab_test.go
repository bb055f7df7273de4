package lab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"designkits/shared/estimate"
	"designkits/shared/lab"
)

func sheet() *estimate.Sheet {
	s := estimate.New("test")
	links := s.Input("new links", 100, estimate.PerSecond, "-")
	s.Derive("clicks", links.Times(s.Input("clicks per link", 40, estimate.Ratio, "-")), estimate.PerSecond)
	return s
}

func run(c lab.Case, page string, args ...string) (code int, out, progress string) {
	var o, p bytes.Buffer
	code = lab.Run(context.Background(), c, args, page, &o, &p)
	return code, o.String(), p.String()
}

func TestEstimateRecalculates(t *testing.T) {
	code, out, _ := run(lab.Case{Sheet: sheet}, "", "estimate", "--set", "new links=200", "--of", "clicks")
	var e lab.Estimate
	if err := json.Unmarshal([]byte(out), &e); code != 0 || err != nil {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if len(e.Rows) != 3 || e.Rows[2].Value != 8000 || len(e.Effects) != 2 {
		t.Errorf("%+v", e)
	}
}

func TestAnInputIsANumberInItsUnit(t *testing.T) {
	for _, c := range []struct {
		set    string
		clicks float64 // 0 for wrong use
		says   string
	}{
		{"new links=200", 8000, ""},
		{" new links = 200 /s", 8000, ""},
		{"new links=2e6", 8e7, "new links is plausible from 10 to 1000 /s; this is calculated with 2e+06"},
		{"new links=200 MB", 0, "new links is in /s"},
		{"new links=many", 0, "isn't NAME=NUMBER"},
		{"new links=NaN", 0, "isn't NAME=NUMBER"},
		{"new links=1e999", 0, "isn't NAME=NUMBER"},
		{"new links", 0, "isn't NAME=NUMBER"},
		{"links=200", 0, "it has: clicks per link, new links"},
	} {
		code, out, said := run(lab.Case{Sheet: sheet}, "", "estimate", "--set", c.set)
		if !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("%q says %q, want %q", c.set, said, c.says)
		}
		var e lab.Estimate
		if c.clicks == 0 && (code != 2 || out != "") || c.clicks > 0 && (code != 0 || json.Unmarshal([]byte(out), &e) != nil || e.Rows[2].Value != c.clicks) {
			t.Errorf("%q: exit %d, %s", c.set, code, out)
		}
	}
}

func TestACaseThatLacksAPartSaysSo(t *testing.T) {
	for subcommand, what := range map[string]string{"estimate": "capacity sheet", "bench": "benches", "curveball": "curveballs"} {
		if code, _, said := run(lab.Case{}, "", subcommand); code != 2 || said != "this case has no "+what+"\n" {
			t.Errorf("%s: exit %d, said %q", subcommand, code, said)
		}
	}
}

func TestWrongUseSaysWhat(t *testing.T) {
	for _, args := range [][]string{
		{}, {"nonsense"}, {"estimate", "--set", "x"}, {"estimate", "--set", "no such=1"}, {"estimate", "--of", "no such"}, {"demo"},
	} {
		if code, out, progress := run(lab.Case{Sheet: sheet}, "", args...); code != 2 || out != "" || progress == "" {
			t.Errorf("%q: exit %d, out %q, said %q", args, code, out, progress)
		}
	}
}

func TestVerdicts(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		err  error
		code int
		last string
	}{
		{nil, 0, `"ok":true`},
		{lab.ErrFailed, 1, `"step":"one"`}, // the step has said why
		{boom, 1, `"figure":"boom"`},
	} {
		demo := func(_ context.Context, page string, _ io.Writer, report func(lab.Step)) error {
			report(lab.Step{Step: "one", OK: c.err == nil})
			return c.err
		}
		code, out, _ := run(lab.Case{Demo: demo}, "http://page/", "demo")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if code != c.code || !strings.Contains(lines[len(lines)-1], c.last) {
			t.Errorf("%v: exit %d, %s", c.err, code, out)
		}
	}
}

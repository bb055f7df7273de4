package messaging_test

import (
	"flag"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/curveballs"
	"designkits/shared/bench"
	"designkits/shared/curveball"
	"designkits/shared/designdoc"
	"designkits/shared/estimate"
)

//go:generate go test -run TestDesignDoc . -weave

var weave = flag.Bool("weave", false, "weave DESIGN.md anew")

// woven are the parts of DESIGN.md that code makes. That the diagrams can be
// drawn, the study page's tests check for every case.
var woven = map[string]designdoc.Part{
	"sheet": func() (string, error) {
		rows, err := messaging.Sheet().Evaluate(nil)
		return estimate.Markdown(rows), err
	},
	"bench": func() (string, error) {
		measured, err := bench.Read("bench/results.json")
		return measured.Markdown(), err
	},
	"curveballs": func() (string, error) {
		measured, err := curveball.ReadResults(curveball.ResultsFile)
		return curveball.Markdown(curveballs.All, measured), err
	},
}

func TestDesignDoc(t *testing.T) {
	const path = "DESIGN.md"
	if *weave {
		if err := designdoc.Weave(path, woven); err != nil {
			t.Fatal(err)
		}
	}
	if err := designdoc.Drift(path, woven); err != nil {
		t.Error(err)
	}
	if err := designdoc.DeadLinks(path); err != nil {
		t.Error(err)
	}
}

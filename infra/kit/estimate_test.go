package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"designkits/infra/topology"
	"designkits/shared/lab"
)

// planned is a checkout whose one case has a real sheet.
func planned(t *testing.T) *checkout {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "cases", "plan"), os.DirFS("testdata/plan")); err != nil {
		t.Fatal(err)
	}
	shared, err := filepath.Abs("../../shared")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(shared, filepath.Join(root, "shared")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.work"), []byte("go 1.26.0\n\nuse (\n\t./cases/plan\n\t./shared\n)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := topology.Load(root, "plan"); err != nil {
		t.Fatal(err)
	}
	return &checkout{t: t, root: root}
}

func TestAnEstimateIsASheetThatRecalculates(t *testing.T) {
	c := planned(t)
	wantIn(t, c.kit(0, "estimate", "plan"), "Plan\n", "  visits             864,000 /day  made up",
		"= visits at peak     30 /s         visits × peak factor", "= egress             30 MB/s", "✗ visits on average  10 /s         visits; wrong: people come at once")
	wantIn(t, c.kit(0, "estimate", "plan", "--set", "visits=1728000", "--set", "peak factor=5"), "= visits at peak     100 /s", "= egress             100 MB/s")
	wantIn(t, c.kit(0, "estimate", "plan", "--set", "a page=1100 kB"), "= egress             60 MB/s")

	cmd := c.command("estimate", "plan", "--json", "--set", "visits=0")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	var e lab.Estimate
	if err != nil || json.Unmarshal(out, &e) != nil || len(e.Rows) != 6 || e.Rows[4].Name != "egress" || e.Rows[4].Value != 0 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAnEstimateTellsWhatMovesARowMost(t *testing.T) {
	c := planned(t)
	out := c.kit(0, "estimate", "plan", "--of", "egress")
	_, moves, found := strings.Cut(out, `what moves "egress"`)
	visits, page := strings.Index(moves, "visits"), strings.Index(moves, "a page")
	if !found || visits < 0 || page < visits {
		t.Errorf("a page of 100 of 1,000 kB should come after the visits:\n%s", out)
	}
	wantIn(t, moves, "visits       +1.00 %  ×100", "peak factor  +1.00 %  ×10\n", "a page       +0.10 %")
	wantIn(t, c.kit(0, "estimate", "plan", "--of", "visits at peak"), "peak factor")
	if moves := c.kit(0, "estimate", "plan", "--of", "visits at peak"); strings.Contains(moves[strings.Index(moves, "what moves"):], "a page") {
		t.Errorf("a page doesn't move the visits:\n%s", moves)
	}
	wantIn(t, c.kit(2, "estimate", "plan", "--of", "ingress"), `no row "ingress"`)
}

func TestAnEstimateRefusesWhatIsNoInput(t *testing.T) {
	c := planned(t)
	for set, says := range map[string]string{
		"visit=3":        `no input "visit"; it has: a page, peak factor, visits`,
		"egress=3":       `no input "egress"`, // it is calculated
		"visits=3 km":    "visits is in /day",
		"a page=3 MB":    "a page is in kB",
		"visits=a lot":   "isn't NAME=NUMBER",
		"visits=Inf":     "isn't NAME=NUMBER",
		"visits":         "isn't NAME=NUMBER",
		"peak factor=":   "isn't NAME=NUMBER",
		"peak factor=1,": "peak factor is in ×",
	} {
		if out := c.kit(2, "estimate", "plan", "--set", set); !strings.Contains(out, says) || strings.Contains(out, "egress  ") {
			t.Errorf("--set %q: it doesn't say %q, or calculates all the same:\n%s", set, says, out)
		}
	}
	// What nobody would expect can still be asked for.
	wantIn(t, c.kit(0, "estimate", "plan", "--set", "peak factor=100"), "peak factor is plausible from 1 to 10 ×; this is calculated with 100", "= visits at peak     1,000 /s")
	wantIn(t, c.kit(2, "estimate", "nosuch"), "there are: plan")
	c.env = []string{"LAB_SHEET=no"}
	wantIn(t, c.kit(2, "estimate", "plan"), "this case has no capacity sheet")
}

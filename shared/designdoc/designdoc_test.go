package designdoc_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"designkits/shared/designdoc"
)

func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func says(text string) designdoc.Part { return func() (string, error) { return text, nil } }

func TestDriftIsFoundAndMended(t *testing.T) {
	doc := filepath.Join(write(t, map[string]string{
		"DESIGN.md": "# Title\n\n<!-- woven: sheet -->\nold\n<!-- end -->\n\nprose\n",
	}), "DESIGN.md")
	parts := map[string]designdoc.Part{"sheet": says("| new |\n")}
	if err := designdoc.Drift(doc, parts); err == nil || !strings.Contains(err.Error(), "| new |") {
		t.Errorf("drift: %v, want it to show the new line", err)
	}
	if err := designdoc.Weave(doc, parts); err != nil {
		t.Fatal(err)
	}
	if err := designdoc.Drift(doc, parts); err != nil {
		t.Errorf("just woven: %v", err)
	}
	raw, err := os.ReadFile(doc)
	if err != nil || string(raw) != "# Title\n\n<!-- woven: sheet -->\n| new |\n<!-- end -->\n\nprose\n" {
		t.Errorf("%q, %v", raw, err)
	}
}

func TestPartsAndPlacesMustMeet(t *testing.T) {
	const document = "<!-- woven: sheet -->\n<!-- end -->\n"
	boom := errors.New("boom")
	for name, parts := range map[string]map[string]designdoc.Part{
		"a place without a part": {},
		"a part without a place": {"sheet": says("x"), "benches": says("y")},
		"a part that fails":      {"sheet": func() (string, error) { return "", boom }},
	} {
		if _, err := designdoc.Woven(t.TempDir(), document, parts); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestDeadLinksAreFound(t *testing.T) {
	dir := write(t, map[string]string{
		"codes.go": "package x\n\n// Codes …\ntype Codes struct{ Size int }\n\nfunc (c *Codes) Next() {}\n\nconst RangeSize = 1\n",
		"DESIGN.md": "# The one Heading\n\n[Codes](codes.go) [`Codes.Next`](codes.go) [Codes.Size](codes.go) [RangeSize](codes.go) [a word](codes.go)\n" +
			"[x](#the-one-heading) [y](https://example.org/no) [z](more.md#another)\n\n```\n[not a link](gone.go)\n```\n",
		"more.md": "## Another\n",
	})
	doc := filepath.Join(dir, "DESIGN.md")
	if err := designdoc.DeadLinks(doc); err != nil {
		t.Errorf("all of these lead somewhere: %v", err)
	}
	for _, dead := range []string{"[x](gone.go)", "[Lease](codes.go)", "[Codes.Prev](codes.go)", "[x](#no-such-heading)", "[x](more.md#the-one-heading)"} {
		if err := os.WriteFile(doc, []byte(dead+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := designdoc.DeadLinks(doc); err == nil {
			t.Errorf("%s was taken for alive", dead)
		}
	}
}

func TestASymbolIsFoundWithItsComment(t *testing.T) {
	source := []byte(`package x

// Store keeps.
//
// For long.
type Store[K any] struct {
	// Size is how many.
	Size int
}

// Next is the next.
func (s *Store[K]) Next() int {
	return 1
}

const (
	One = 1
	Two = 2 // not three
)
`)
	for name, want := range map[string]designdoc.Lines{
		"Store": {3, 9}, "Store.Size": {7, 8}, "Store.Next": {11, 14}, "Next": {11, 14}, "Two": {18, 18},
	} {
		if got, found, err := designdoc.Symbol("x.go", source, name); err != nil || !found || got != want {
			t.Errorf("%s: lines %v, %t, %v; want %v", name, got, found, err, want)
		}
	}
	for _, none := range []string{"Store.Three", "Size"} {
		if got, found, err := designdoc.Symbol("x.go", source, none); err != nil || found {
			t.Errorf("%s: found at %v, %v", none, got, err)
		}
	}
}

package designdoc_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"designkits/shared/designdoc"

	"pgregory.net/rapid"
)

// weaveCode is what stands between the marks of a part that asks for this code.
func weaveCode(dir, reference string) (string, error) {
	mark := "<!-- woven: code " + reference + " -->\n"
	text, err := designdoc.Woven(dir, mark+"old\n<!-- end -->\n", nil)
	return strings.TrimSuffix(strings.TrimPrefix(text, mark), "\n<!-- end -->\n"), err
}

var sources = map[string]string{
	"codes.go": `package x

// Codes are made here.
type Codes struct {
	Size int
}

// Next is the next.
func (c *Codes) Next() int {
	// Why it is one.
	return 1
}

const (
	One = 1
	Two = 2 // not three
)
`,
	"fill.lua":            "-- What it does.\n-- KEYS: one.\nlocal held = 1\n\nreturn held\n",
	"clicks.sql":          "-- First.\nCREATE VIEW once AS\nSELECT 1\n;\n\nCREATE VIEW twice AS\nSELECT 2\n",
	"nginx.conf.template": "server {\n  location / {\n    keep all;\n  }\n\n  listen 80;\n}\n",
	"schema.cql":          "CREATE TABLE links (\n  key text\n);\n",
	"notes.txt":           "words\n",
	"fine.lua":            "return 1",
}

func TestCodeIsWovenFencedAndLinked(t *testing.T) {
	dir := write(t, sources)
	for reference, want := range map[string]string{
		"codes.go#Codes.Next":            "```go\nfunc (c *Codes) Next() int {\n\t// Why it is one.\n\treturn 1\n}\n```\n\n[codes.go:9](codes.go#L9-L12)",
		"codes.go#Next":                  "```go\nfunc (c *Codes) Next() int {\n\t// Why it is one.\n\treturn 1\n}\n```\n\n[codes.go:9](codes.go#L9-L12)",
		"codes.go#Codes":                 "```go\ntype Codes struct {\n\tSize int\n}\n```\n\n[codes.go:4](codes.go#L4-L6)",
		"codes.go#Two":                   "```go\nTwo = 2 // not three\n```\n\n[codes.go:16](codes.go#L16-L16)",
		"fill.lua":                       "```lua\nlocal held = 1\n\nreturn held\n```\n\n[fill.lua:3](fill.lua#L3-L5)",
		"fill.lua#local held":            "```lua\nlocal held = 1\n```\n\n[fill.lua:3](fill.lua#L3-L3)",
		"fine.lua":                       "```lua\nreturn 1\n```\n\n[fine.lua:1](fine.lua#L1-L1)",
		"clicks.sql#CREATE VIEW twice":   "```sql\nCREATE VIEW twice AS\nSELECT 2\n```\n\n[clicks.sql:6](clicks.sql#L6-L7)",
		"nginx.conf.template#location /": "```nginx\nlocation / {\n  keep all;\n}\n```\n\n[nginx.conf.template:2](nginx.conf.template#L2-L4)",
		"schema.cql#CREATE TABLE links":  "```sql\nCREATE TABLE links (\n  key text\n);\n```\n\n[schema.cql:1](schema.cql#L1-L3)",
	} {
		if got, err := weaveCode(dir, reference); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", reference, err, got, want)
		}
	}
}

func TestCodeThatIsNotThereIsRefusedByName(t *testing.T) {
	dir := write(t, sources)
	if err := os.WriteFile(filepath.Join(dir, "broken.go"), []byte("package x\n\nfunc {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for reference, want := range map[string]string{
		"gone.go#Codes":            "no such file",
		"codes.go#Codes.Previous":  "codes.go declares no Codes.Previous",
		"codes.go":                 "name a declaration",
		"broken.go#Codes":          "broken.go:3",
		"clicks.sql#CREATE VIEW":   "lines 2 and 6 of clicks.sql both begin with",
		"clicks.sql#CREATE TABLE":  "no line of clicks.sql begins with",
		"notes.txt":                "language of notes.txt",
		"fill.lua#-- What it said": "no line of fill.lua",
	} {
		_, err := weaveCode(dir, reference)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), reference) {
			t.Errorf("%s: %v, want it named, and %q", reference, err, want)
		}
	}
}

func TestAllThatIsWrongIsNamedAtOnce(t *testing.T) {
	_, err := designdoc.Woven(t.TempDir(), "<!-- woven: code a.go#A -->\n<!-- end -->\n<!-- woven: sheet -->\n<!-- end -->\n", nil)
	for _, want := range []string{"a.go#A", `"sheet"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s named", err, want)
		}
	}
}

func TestCodeThatHasMovedIsDrift(t *testing.T) {
	dir := write(t, sources)
	doc := filepath.Join(dir, "DESIGN.md")
	if err := os.WriteFile(doc, []byte("<!-- woven: code codes.go#Codes.Next -->\n<!-- end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := designdoc.Weave(doc, nil); err != nil {
		t.Fatal(err)
	}
	if err := designdoc.DeadLinks(doc); err != nil {
		t.Errorf("the link below woven code leads nowhere: %v", err)
	}
	moved := strings.Replace(sources["codes.go"], "// Codes are", "// Codes\n// are", 1)
	for _, change := range []string{moved, strings.Replace(sources["codes.go"], "return 1", "return 2", 1)} {
		if err := os.WriteFile(filepath.Join(dir, "codes.go"), []byte(change), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := designdoc.Drift(doc, nil); err == nil {
			t.Errorf("no drift, though the code is now\n%s", change)
		}
	}
}

var linked = regexp.MustCompile(`\(x\.go#L(\d+)-L(\d+)\)`)

// Whatever stands around a declaration: what is shown is the declaration, and the
// linked lines of the file are what is shown.
func TestTheLinkedLinesAreTheCodeShown(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var file strings.Builder
		file.WriteString("package x\n")
		want := map[string]string{}
		for i := range rapid.IntRange(1, 6).Draw(t, "declarations") {
			name := fmt.Sprintf("D%d", i)
			file.WriteString(strings.Repeat("\n", rapid.IntRange(1, 3).Draw(t, "empty lines")))
			file.WriteString(strings.Repeat("// "+name+" is as it is.\n", rapid.IntRange(0, 3).Draw(t, "lines of its comment")))
			body := strings.Repeat("\tprintln(1)\n\n\t// and\n", rapid.IntRange(0, 3).Draw(t, "statements"))
			shown, written := "func "+name+"() {\n"+body+"}", ""
			switch rapid.SampledFrom([]string{"func", "method", "type", "grouped"}).Draw(t, "kind") {
			case "method":
				shown, name = "func (t *T[K]) "+name+"() {\n"+body+"}", "T."+name
			case "type":
				shown = "type " + name + " struct {\n\tA, B int\n}"
			case "grouped":
				shown = name + " = func() {\n\tprintln(2)\n}"
				written = "var (\n\t// Among others.\n\t" + strings.ReplaceAll(shown, "\n", "\n\t") + "\n)"
			}
			want[name] = shown
			file.WriteString(cmp.Or(written, shown) + "\n")
		}
		if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(file.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(file.String(), "\n")
		for name, code := range want {
			got, err := weaveCode(dir, "x.go#"+name)
			if err != nil || !strings.HasPrefix(got, "```go\n"+code+"\n```\n") {
				t.Fatalf("%s: %v\n%s\nof\n%s", name, err, got, file.String())
			}
			at := linked.FindStringSubmatch(got)
			if at == nil {
				t.Fatalf("%s: no link in\n%s", name, got)
			}
			from, _ := strconv.Atoi(at[1])
			to, _ := strconv.Atoi(at[2])
			unindented := func(text string) string { return strings.ReplaceAll(text, "\t", "") } // a grouped one is flush in the doc
			if there := strings.Join(lines[from-1:to], "\n"); unindented(there) != unindented(code) {
				t.Fatalf("%s: lines %d to %d are\n%s\nand shown is\n%s", name, from, to, there, code)
			}
		}
	})
}

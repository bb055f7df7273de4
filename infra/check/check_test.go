package check

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// workspace writes files below a scratch go.work with one module, "toy".
func workspace(t *testing.T, files map[string]string) (root string, m Module) {
	t.Helper()
	root = t.TempDir()
	m = Module{Path: "designkits/cases/toy", Dir: filepath.Join(root, "cases", "toy")}
	all := map[string]string{"../../go.work": "go 1.26.0\n\nuse ./cases/toy\n", "go.mod": "module designkits/cases/toy\n\ngo 1.26.0\n"}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		path := filepath.Join(m.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, m
}

func TestModulesAreThoseOfTheWorkspace(t *testing.T) {
	root, m := workspace(t, nil)
	modules, err := Modules(t.Context(), root)
	if err != nil || !slices.Equal(modules, []Module{m}) {
		t.Fatalf("%v, %v", modules, err)
	}
	if m.Name() != "toy" || !m.Case() {
		t.Errorf("%s, a case: %v", m.Name(), m.Case())
	}
	part := Module{Path: "designkits/cases/toy/client", Dir: filepath.Join(m.Dir, "client")}
	if part.Name() != "toy/client" || part.Case() || !part.Belongs("toy") || !part.Belongs("toy/client") || part.Belongs("to") || m.Belongs("toy/client") {
		t.Errorf("a module inside a case is %s, a case: %v", part.Name(), part.Case())
	}
}

func TestTheFirstCheckThatFailsEndsThem(t *testing.T) {
	for _, test := range []struct{ source, said, want string }{
		{"package toy\nfunc  f() {}\n", "", "gofmt: not formatted"},
		{"package toy\n\nfunc f() {\n", "", "gofmt: "},
		{"package toy\n\nimport \"fmt\"\n\nfunc F() { fmt.Printf(\"%d\", \"text\") }\n", "gofmt: ok", "go vet: exit status 1"},
	} {
		root, m := workspace(t, map[string]string{"toy.go": test.source})
		var said strings.Builder
		err := Static(t.Context(), root, []Module{m}, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.source, err, test.want)
		}
		if !strings.Contains(said.String(), test.said) || strings.Contains(said.String(), "staticcheck") {
			t.Errorf("%q: said %q", test.source, said.String())
		}
	}
}

func TestTestsRunWithTheirEnvironmentAndTheFaultyOnesApart(t *testing.T) {
	passing := "package %s\n\nimport (\n\t\"os\"\n\t\"testing\"\n%s)\n\nfunc TestIt(t *testing.T) {\n\tif os.Getenv(\"KIT_REDIS\") != \"here\" {\n\t\tt.Fatal(\"no address\")\n\t}\n}\n"
	root, m := workspace(t, map[string]string{
		"../../shared/go.mod":         "module designkits/shared\n\ngo 1.26.0\n",
		"../../shared/fault/fault.go": "package fault\n",
		"../../go.work":               "go 1.26.0\n\nuse (\n\t./cases/toy\n\t./shared\n)\n",
		"calm/calm_test.go":           fmt.Sprintf(passing, "calm", ""),
		"faulty/faulty_test.go":       fmt.Sprintf(passing, "faulty", "\n\t_ \"designkits/shared/fault\"\n"),
	})
	calm, faulty, err := packages(t.Context(), m)
	if err != nil || !slices.Equal(calm, []string{m.Path + "/calm"}) || !slices.Equal(faulty, []string{m.Path + "/faulty"}) {
		t.Fatalf("calm %v, faulty %v, %v (in %s)", calm, faulty, err, root)
	}
	var out bytes.Buffer
	adopted, forgotten := 0, 0
	adopt := func(int) (func(), error) {
		adopted++
		return func() { forgotten++ }, nil
	}
	if err := Test(t.Context(), m, Both, []string{"KIT_REDIS=here"}, &out, adopt); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, line := range []string{"ok  \tdesignkits/cases/toy/calm", "ok  \tdesignkits/cases/toy/faulty"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q isn't in:\n%s", line, out.String())
		}
	}
	if adopted != 2 || forgotten != 2 {
		t.Errorf("%d process groups were adopted, %d forgotten", adopted, forgotten)
	}
	out.Reset()
	if err := Test(t.Context(), m, Both, nil, &out, adopt); err == nil || !strings.Contains(out.String(), "no address") {
		t.Errorf("without the environment: %v\n%s", err, out.String())
	}
}

func TestWhatAPassingPackagePrintsIsDropped(t *testing.T) {
	const all = "a log\nPASS\nok  \tx/a\t1.0s\n?   \tx/b\t[no test files]\nanother log\n--- FAIL: TestIt (0.00s)\nFAIL\nexit status 1\nFAIL\tx/c\t0.1s\n" +
		"# x/d\nd.go:1: no\nFAIL\tx/d [build failed]\nof the last one\nok  \tx/e\t2.0s\nFAIL\n"
	const want = "ok  \tx/a\t1.0s\n?   \tx/b\t[no test files]\nanother log\n--- FAIL: TestIt (0.00s)\nFAIL\nexit status 1\nFAIL\tx/c\t0.1s\n" +
		"# x/d\nd.go:1: no\nFAIL\tx/d [build failed]\nok  \tx/e\t2.0s\nFAIL\n"
	for size := 1; size <= len(all); size++ { // however it comes
		var out strings.Builder
		q := &quiet{out: &out}
		for chunk := range slices.Chunk([]byte(all), size) {
			if n, err := q.Write(chunk); n != len(chunk) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := q.end(); err != nil || out.String() != want {
			t.Fatalf("in pieces of %d: %v\n%s\nwant\n%s", size, err, out.String(), want)
		}
	}
}

// Two packages at a time, but a test that breaks a server is alone.
func TestCalmPackagesRunByTwosAndFaultyOnesAlone(t *testing.T) {
	const counting = `package %[1]s

import (
	"os"
	"path/filepath"
	"testing"
	"time"
%[2]s)

func TestIt(t *testing.T) {
	running := os.Getenv("RUNNING")
	if err := os.WriteFile(filepath.Join(running, "%[1]s"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	looks := time.NewTicker(10 * time.Millisecond)
	defer looks.Stop()
	for range 30 { // for as long as a test takes
		if all, err := os.ReadDir(running); err != nil || len(all) > %[3]d {
			t.Fatal("too many run beside it:", all, err)
		}
		<-looks.C
	}
	if err := os.Remove(filepath.Join(running, "%[1]s")); err != nil {
		t.Fatal(err)
	}
}
`
	files := map[string]string{
		"../../shared/go.mod":         "module designkits/shared\n\ngo 1.26.0\n",
		"../../shared/fault/fault.go": "package fault\n",
		"../../go.work":               "go 1.26.0\n\nuse (\n\t./cases/toy\n\t./shared\n)\n",
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		files["calm"+name+"/it_test.go"] = fmt.Sprintf(counting, "calm"+name, "", 2)
		files["faulty"+name+"/it_test.go"] = fmt.Sprintf(counting, "faulty"+name, "\n\t_ \"designkits/shared/fault\"\n", 1)
	}
	_, m := workspace(t, files)
	var out bytes.Buffer
	adopt := func(int) (func(), error) { return func() {}, nil }
	if err := Test(t.Context(), m, Both, []string{"RUNNING=" + t.TempDir()}, &out, adopt); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestWhatTakesLongestBegins(t *testing.T) {
	_, m := workspace(t, map[string]string{
		"../../shared/go.mod":                  "module designkits/shared\n\ngo 1.26.0\n",
		"../../shared/casetest/casetest.go":    "package casetest\n",
		"../../shared/exercise/proof/proof.go": "package proof\n",
		"../../shared/fault/fault.go":          "package fault\n",
		"../../go.work":                        "go 1.26.0\n\nuse (\n\t./cases/toy\n\t./shared\n)\n",
		"a/a_test.go":                          "package a\n",
		"b/b_test.go":                          "package b\n\nimport _ \"designkits/shared/exercise/proof\"\n",
		"c/c_test.go":                          "package c\n\nimport (\n\t_ \"designkits/shared/casetest\"\n\t_ \"designkits/shared/fault\"\n)\n",
		"d/d_test.go":                          "package d\n\nimport _ \"designkits/shared/casetest\"\n",
	})
	calm, faulty, err := packages(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range append(calm, faulty...) {
		names = append(names, path[strings.LastIndex(path, "/")+1:])
	}
	if got := strings.Join(names, " "); got != "b d a c" {
		t.Errorf("they run in the order %s, want b and d first, whose tests run a whole case, and c alone at the end", got)
	}
}

func TestCompiler(t *testing.T) {
	t.Setenv("CC", "no-such-compiler")
	if err := Compiler(t.Context()); err == nil || !strings.Contains(err.Error(), "apt-get install -y gcc") {
		t.Errorf("without a compiler: %v", err)
	}
}

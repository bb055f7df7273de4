package provision

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tomlv is a real program that is small, and needs nothing but one module.
var tomlv = Go{Name: "tomlv", Package: "github.com/BurntSushi/toml/cmd/tomlv", Version: "v1.4.0", Bytes: 250_000}

func TestBuiltOnceAndForAll(t *testing.T) {
	cache := t.TempDir()
	if got := fetch(t, cache, tomlv); strings.Join(got, " ") != "tomlv" {
		t.Fatalf("the first time it built %v", got)
	}
	config := filepath.Join(t.TempDir(), "a.toml")
	if err := os.WriteFile(config, []byte("a = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tomlv.Program(cache), config).CombinedOutput(); err != nil {
		t.Errorf("it can't be run: %v\n%s", err, out)
	}
	path := os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir()) // to find that it is there needs no go
	if got := fetch(t, cache, tomlv); got != nil {
		t.Errorf("the second time it built %v", got)
	}
	t.Setenv("PATH", path)
	if _, _, installed := tomlv.Describe(t.Context(), cache); !installed {
		t.Error("described as missing")
	}
	// One that has been cut short is built again.
	if err := os.Truncate(tomlv.Program(cache), 1000); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, cache, tomlv); strings.Join(got, " ") != "tomlv" {
		t.Errorf("damaged, it built %v", got)
	}
	left, err := filepath.Glob(filepath.Join(cache, fetchPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// A program of another version isn't taken for the one that was asked for.
func TestAProgramSaysWhatItIs(t *testing.T) {
	cache := t.TempDir()
	fetch(t, cache, tomlv)
	other := tomlv
	other.Version = "v1.5.0"
	if err := other.isBuiltFrom(tomlv.Program(cache)); err == nil || !strings.Contains(err.Error(), "v1.4.0") {
		t.Errorf("got %v", err)
	}
}

func TestGoFailuresSayWhatHelps(t *testing.T) {
	for _, c := range []struct {
		name, variable, value string
		program               Go
		kind                  error
	}{
		{"no network", "GOPROXY", "http://127.0.0.1:1", Go{Name: "away", Package: "designkits.invalid/away", Version: "v1.0.0"}, ErrNoNetwork},
		{"no such version", "GOFLAGS", "", Go{Name: "typo", Package: tomlv.Package, Version: "v1.4.999"}, ErrNoPackage},
		{"no go", "PATH", t.TempDir(), tomlv, ErrNoGo},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(c.variable, c.value)
			cache := t.TempDir()
			if err := Fetch(t.Context(), cache, []Source{c.program}, nil); !errors.Is(err, c.kind) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(c.program.Dir(cache)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was put into the cache: %v", err)
			}
		})
	}
}

func TestGoLogBecomesProgress(t *testing.T) {
	modules := t.TempDir()
	zip := filepath.Join(modules, "github.com", "!azure", "a", "@v", "v1.0.0.zip")
	if err := errors.Join(os.MkdirAll(filepath.Dir(zip), 0o755), os.WriteFile(zip, make([]byte, 700), 0o644)); err != nil {
		t.Fatal(err)
	}
	var got []Progress
	log := &goLog{reporter: &reporter{report: func(p Progress) { p.Elapsed = 0; got = append(got, p) }}, of: Go{Name: "s3", Bytes: 1000}, modules: modules}
	log.follow(strings.NewReader(`go: downloading github.com/Azure/a v1.0.0
go: downloading example.com/b v2.0.0
internal/goarch
github.com/Azure/a/sub.pkg
# example.com/b
b.go:1:2: undefined: x`))
	want := []Progress{
		{Name: "s3", Doing: "fetching github.com/Azure/a", Done: 700, Total: 1000},
		{Name: "s3", Doing: "fetching example.com/b", Done: 700, Total: 1000},
		{Name: "s3", Doing: "building internal/goarch", Done: 700, Total: 1000},
		{Name: "s3", Doing: "building github.com/Azure/a/sub.pkg", Done: 700, Total: 1000},
	}
	if len(got) != len(want) {
		t.Fatalf("%d reports: %+v", len(got), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("report %d is %+v, not %+v", i, got[i], want[i])
		}
	}
	if len(log.last) != 2 || log.last[1] != "b.go:1:2: undefined: x" {
		t.Errorf("errors: %q", log.last)
	}
}

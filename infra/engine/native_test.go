package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"designkits/infra/provision"
	"designkits/infra/topology"
)

// A program for the browser is built with the case's processes, though it is in
// a module of its own, and lies where ${wasm.NAME} points to.
func TestNativeBuildsForTheBrowser(t *testing.T) {
	t.Setenv("GOWORK", "off")
	dir, state := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                     "module toy\n\ngo 1.26.0\n",
		"cmd/serve/main.go":          "package main\n\nfunc main() {}\n",
		"client/go.mod":              "module toy/client\n\ngo 1.26.0\n",
		"client/cmd/browser/main.go": "package main\n\nimport \"syscall/js\"\n\nfunc main() { js.Global().Set(\"toy\", 1) }\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n := Native{Place{State: state}}
	c := topology.Case{Name: "toy", Dir: dir, WASM: map[string]string{"page": "client/cmd/browser"}}
	if err := n.Build(t.Context(), c, func(provision.Progress) {}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{n.Program(c, "serve"), filepath.Join(c.WASMFolder(state, "page"), "main.wasm"), filepath.Join(c.WASMFolder(state, "page"), "wasm_exec.js")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "client/cmd/browser/main.go"), []byte("package main\n\nfunc main() { nothing() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := n.Build(t.Context(), c, func(provision.Progress) {}); err == nil || !strings.Contains(err.Error(), "undefined: nothing") {
		t.Errorf("a program that doesn't compile: %v", err)
	}
}

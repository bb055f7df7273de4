package wasm_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"designkits/shared/wasm"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAProgramOfAnyModuleIsBuilt(t *testing.T) {
	t.Setenv("GOWORK", "off")
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "new", "folder")
	write(t, dir, "go.mod", "module toy\n\ngo 1.26.0\n")
	write(t, dir, "main.go", "package main\n\nimport \"syscall/js\"\n\nfunc main() { js.Global().Set(\"toy\", 1) }\n")
	if err := wasm.Build(t.Context(), dir, out); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(out, wasm.Program))
	if err != nil || !bytes.HasPrefix(program, []byte("\x00asm")) {
		t.Errorf("the program begins with %q: %v", program[:min(len(program), 4)], err)
	}
	loader, err := os.ReadFile(filepath.Join(out, wasm.Loader))
	if err != nil || !bytes.Contains(loader, []byte("globalThis.Go = class")) {
		t.Errorf("the loader has %d bytes: %v", len(loader), err)
	}
	write(t, dir, "main.go", "package main\n\nfunc main() { nothing() }\n")
	if err := wasm.Build(t.Context(), dir, out); err == nil || !strings.Contains(err.Error(), "undefined: nothing") || !strings.Contains(err.Error(), dir) {
		t.Errorf("a program that doesn't compile: %v", err)
	}
}

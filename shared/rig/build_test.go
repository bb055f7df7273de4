package rig

import (
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What a copy of the module has built serves the next, until a program changes; what
// runs already stays as it was.
func TestAProgramThatDidNotChangeIsNotLinkedAgain(t *testing.T) {
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-trimpath")
	t.Setenv("KIT_PROGRAMS", t.TempDir())
	built := func(greeting string) (here, there os.FileInfo) {
		t.Helper()
		dir, folder := filepath.Join(t.TempDir(), "toy"), t.TempDir()
		write(t, dir, "go.mod", "module toy\n\ngo 1.26.0\n")
		write(t, dir, "cmd/here/main.go", "package main\n\nfunc main() { println(`"+greeting+"`) }\n")
		write(t, dir, "cmd/there/main.go", "package main\n\nfunc main() {}\n")
		if err := build(t.Context(), dir, folder, "./cmd/here", "./cmd/there"); err != nil {
			t.Fatal(err)
		}
		var files []os.FileInfo
		for _, name := range []string{"here", "there"} {
			info, err := os.Stat(filepath.Join(folder, "bin", name))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, info)
		}
		return files[0], files[1]
	}
	here, there := built("hello")
	if again, thereAgain := built("hello"); !os.SameFile(here, again) || !os.SameFile(there, thereAgain) {
		t.Error("what a copy of the module had built was linked again")
	}
	changed, thereAgain := built("good bye")
	if os.SameFile(here, changed) {
		t.Error("a program that changed is what it was before")
	}
	if !os.SameFile(there, thereAgain) {
		t.Error("a program that didn't change was linked again")
	}
}

// Where a second name can't be given, as on another disk, the program is copied.
func TestAProgramThatCanNotBeLinkedIsCopied(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "program", "new")
	write(t, dir, "taken", "old")
	if err := put(filepath.Join(dir, "program"), filepath.Join(dir, "taken")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "taken")); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
	if err := put(filepath.Join(dir, "none"), filepath.Join(dir, "other")); err == nil {
		t.Error("a program that isn't there has another name")
	}
}

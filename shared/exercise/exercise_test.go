package exercise_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"designkits/shared/exercise"
)

const (
	readme = "# Say it twice\n\nTakes about 30 minutes. Runs: api, web.\n\n## Goal\n\nTwice.\n\n## Out of scope\n\nThrice.\n"
	hints  = "# Hints\n\n## First\n\nLook.\n\n## Second\n\nWrite.\n"
	add    = "diff --git a/b.txt b/b.txt\nnew file mode 100644\n--- /dev/null\n+++ b/b.txt\n@@ -0,0 +1 @@\n+b\n"
	change = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-a\n+A\n"
)

// write makes files below a new folder.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExercisesAreFoundByIDAndByNumber(t *testing.T) {
	dir := write(t, map[string]string{
		"exercises/01-twice/README.md": readme, "exercises/01-twice/hints.md": hints,
		"exercises/01-twice/wrong.patch": "It is said once.\nFails with: say it again\n\n" + change,
		"exercises/02-other/README.md":   strings.Replace(readme, "twice", "other", 1),
	})
	for _, name := range []string{"01-twice", "01", "1"} {
		e, err := exercise.Find(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != "01-twice" || e.Title != "Say it twice" || e.Minutes != 30 || !slices.Equal(e.Runs, []string{"api", "web"}) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	var unknown *exercise.Unknown
	if _, err := exercise.Find(dir, "03"); !errors.As(err, &unknown) || !slices.Equal(unknown.Known, []string{"01-twice", "02-other"}) {
		t.Errorf("%v", err)
	}
	e, err := exercise.Find(dir, "01")
	if err != nil {
		t.Fatal(err)
	}
	if e.Section("Goal") != "Twice." || e.Section("Out of scope") != "Thrice." || e.Section("Nothing") != "" {
		t.Errorf("%q, %q", e.Section("Goal"), e.Section("Out of scope"))
	}
	if all, err := e.Hints(); err != nil || !slices.Equal(all, []string{"First\n\nLook.", "Second\n\nWrite."}) {
		t.Errorf("%q, %v", all, err)
	}
	if words, err := e.Wrong(); err != nil || words != "say it again" {
		t.Errorf("%q, %v", words, err)
	}
}

func TestAnExerciseSaysWhatItLacks(t *testing.T) {
	dir := write(t, map[string]string{
		"one/README.md": "# Title\n", "one/wrong.patch": change, "two/README.md": readme, "two/wrong.patch": change + "+Fails with: nothing\n",
	})
	if _, err := exercise.Read(filepath.Join(dir, "one")); err == nil || !strings.Contains(err.Error(), "Takes about") {
		t.Errorf("%v", err)
	}
	e, err := exercise.Read(filepath.Join(dir, "two"))
	if err != nil {
		t.Fatal(err)
	}
	if words, err := e.Wrong(); err == nil {
		t.Errorf("a mistake without the words it fails with: %q", words)
	}
}

func TestAPatchIsAppliedAsAWholeOrNotAtAll(t *testing.T) {
	patches := write(t, map[string]string{"good": "Words before it.\n\n" + add + change, "stale": add + strings.Replace(change, "-a", "-x", 1)})
	tree := write(t, map[string]string{"a.txt": "a\n", ".hidden/a.txt": "a\n"})
	var stale *exercise.Stale
	if err := exercise.Apply(t.Context(), tree, filepath.Join(patches, "stale")); !errors.As(err, &stale) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(tree, "b.txt")); err == nil {
		t.Error("half of a stale patch was applied")
	}
	copied := t.TempDir()
	if err := exercise.CopyTree(tree, copied); err != nil {
		t.Fatal(err)
	}
	if err := exercise.Apply(t.Context(), copied, filepath.Join(patches, "good")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{filepath.Join(copied, "a.txt"): "A\n", filepath.Join(copied, "b.txt"): "b\n", filepath.Join(tree, "a.txt"): "a\n"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(copied, ".hidden")); err == nil {
		t.Error("what is hidden was copied")
	}
}

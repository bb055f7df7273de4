package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const (
	taskOfEcho  = "# Say it twice\n\nTakes about 30 minutes. Runs: web.\n\n## Goal\n\nTwice is better.\n\n## Where to begin\n\nIn twice.txt, beside [the case](../../case.yaml#top).\n"
	hintsOfEcho = "# Hints\n\n## First\n\nLook.\n\n## Second\n\nWrite it.\n"
	// The check asks nothing but whether there is a file, and where Redis is.
	checkOfEcho = `//go:build exercise

package twice

import (
	"os"
	"testing"
)

func TestTwice(t *testing.T) {
	if os.Getenv("KIT_REDIS") == "" {
		t.Error("there is no Redis")
	}
	if _, err := os.Stat("../../twice.txt"); err != nil {
		t.Error("it is said once only")
	}
}
`
	patchOfEcho = "diff --git a/cases/echo/twice.txt b/cases/echo/twice.txt\nnew file mode 100644\n--- /dev/null\n+++ b/cases/echo/twice.txt\n@@ -0,0 +1 @@\n+twice\n"
)

func TestAnExerciseFromListToPassed(t *testing.T) {
	c := newCheckout(t)
	dir := filepath.Join(c.root, "cases", "echo", "exercises", "01-twice")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"README.md": taskOfEcho, "hints.md": hintsOfEcho, "check_test.go": checkOfEcho, "solution.patch": patchOfEcho} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	state := func() string {
		var items []struct{ ID, Title, State string }
		if err := json.Unmarshal([]byte(c.kit(0, "exercise", "list", "echo", "--json")), &items); err != nil || len(items) != 1 || items[0].ID != "01-twice" {
			t.Fatalf("%+v, %v", items, err)
		}
		return items[0].State
	}
	reaches := func(want string) {
		t.Helper()
		if got := state(); got != want {
			t.Errorf("it is %s, not %s", got, want)
		}
	}
	reaches("new")
	wantIn(t, c.kit(2, "exercise", "start", "echo/02"), "01-twice")
	wantIn(t, c.kit(2, "exercise", "start", "echo"), "CASE/NN")
	wantIn(t, c.kit(0, "exercise", "start", "echo/01"), "Twice is better.", "In twice.txt, beside the case (cases/echo/case.yaml#top).")
	reaches("started")
	wantIn(t, c.kit(0, "exercise", "hint", "echo/1"), "Hint 1 of 2", "Look.")
	wantIn(t, c.kit(0, "exercise", "hint", "echo/01-twice"), "Hint 2 of 2", "Write it.")
	wantIn(t, c.kit(0, "exercise", "hint", "echo/01"), "all 2 hints")

	wantIn(t, c.kit(1, "exercise", "check", "echo/01"), "it is said once only", "not yet")
	reaches("started")
	wantIn(t, c.kit(0, "exercise", "solution", "echo/01"), "+twice")
	wantIn(t, c.kit(0, "exercise", "solution", "echo/01", "--apply"), "is in your tree")
	wantIn(t, c.kit(1, "exercise", "solution", "echo/01", "--apply"), "Nothing was changed")
	wantIn(t, c.kit(0, "exercise", "check", "echo/01"), "passed")
	reaches("passed")
}

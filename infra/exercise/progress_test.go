package exercise

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"designkits/shared/exercise"
)

func TestProgressIsKept(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	one, other := exercise.Exercise{ID: "01-one"}, exercise.Exercise{ID: "02-other"}
	p, err := Load(state)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Of("toy", one); got != (Step{New, 0}) {
		t.Errorf("before anything: %+v", got)
	}
	for _, step := range []Step{{Started, 2}, {Passed, 2}, {Started, 3}} {
		if err := p.Set("toy", one, step); err != nil {
			t.Fatal(err)
		}
	}
	p, err = Load(state)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Of("toy", one); got != (Step{Passed, 3}) {
		t.Errorf("read again: %+v, want passed for good", got)
	}
	if got := p.Of("toy", other).State; got != New {
		t.Errorf("another one is %s", got)
	}
}

func TestABrokenFileSaysWhatToDo(t *testing.T) {
	state := t.TempDir()
	if err := os.WriteFile(filepath.Join(state, "progress.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(state); err == nil || !strings.Contains(err.Error(), "remove") {
		t.Errorf("%v", err)
	}
}

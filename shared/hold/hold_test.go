package hold_test

import (
	"os"
	"os/exec"
	"testing"

	"designkits/shared/hold"
)

func TestANameIsHeldByOneAtATime(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	release := take(t, "a", true)
	take(t, "a", false)
	defer take(t, "b", true)()
	if out, err := another(t, "a"); err == nil {
		t.Errorf("another process has it as well\n%s", out)
	}
	release()
	if out, err := another(t, "a"); err != nil {
		t.Errorf("it was released, and another process: %v\n%s", err, out)
	}
	take(t, "a", true)() // the other one has ended
}

func take(t *testing.T, name string, want bool) (release func()) {
	t.Helper()
	release, ok, err := hold.Take(name)
	if err != nil || ok != want {
		t.Fatalf("%s: %t, %v; want %t", name, ok, err, want)
	}
	return release
}

// another is a process that takes the name, and fails when it can't.
func another(t *testing.T, name string) (output []byte, err error) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAnother$")
	cmd.Env = append(os.Environ(), "HOLD="+name)
	return cmd.CombinedOutput()
}

// TestAnother is the other process's part of the test above; by itself it takes a name
// that nobody has.
func TestAnother(t *testing.T) {
	name := os.Getenv("HOLD")
	if name == "" {
		t.Setenv("TMPDIR", t.TempDir())
		name = "c"
	}
	take(t, name, true)
}

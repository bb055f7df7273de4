package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The python3 here is a script that makes the environment that venv would make,
// whose pip makes the program.
func TestAPythonProgramIsUsedOnceItsEnvironmentIsComplete(t *testing.T) {
	bin, cache := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	pip := `echo "$@" >>` + cache + `/asked
[ -e ` + cache + `/broken ] && { echo "ERROR: could not find a version that satisfies" >&2; exit 1; }
printf "#!/bin/sh\n" >$(dirname $0)/probe && chmod +x $(dirname $0)/probe`
	script := `case "$*" in
*venv\ *) for dir; do :; done; mkdir -p $dir/bin && cp ` + program(t, bin, "pip", pip) + ` $dir/bin/python;;
*) echo 3.11.2;;
esac`
	program(t, bin, "python3", script)
	probe := Python{Name: "probe", Version: "1.2", Bytes: 7}

	broken := filepath.Join(cache, "broken")
	if err := os.WriteFile(broken, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Fetch(t.Context(), cache, []Source{Interpreter, probe}, nil); err == nil || !strings.Contains(err.Error(), "probe 1.2") {
		t.Errorf("pip fails: %v", err)
	}
	if err := probe.Verify(cache); err == nil {
		t.Error("a half-made environment is taken for a whole one")
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	var finished []string
	for range 2 { // the second time nothing is to be done
		err := Fetch(t.Context(), cache, []Source{Interpreter, probe}, func(p Progress) {
			if p.Finished {
				finished = append(finished, p.Name)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(finished) != 1 || finished[0] != "probe" {
		t.Errorf("finished %q", finished)
	}
	if _, _, installed := probe.Describe(t.Context(), cache); !installed {
		t.Error("it isn't installed")
	}
	asked, err := os.ReadFile(filepath.Join(cache, "asked"))
	if err != nil || strings.Count(string(asked), "probe==1.2") != 2 {
		t.Errorf("pip was asked %q, %v", asked, err)
	}
}

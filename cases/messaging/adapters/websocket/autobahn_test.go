package websocket_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"designkits/cases/messaging/adapters/websocket"
)

// core are the cases of RFC 6455, in Autobahn's numbers; there are 301.
var core = []string{"1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"}

// deflated are cases of RFC 7692: one of each kind of offer and of content, a
// thousand messages each. All of 12 and 13 were run once, in 8 minutes; 150 of
// the 216 pass. The others are 36 that ask for a window that compress/flate
// doesn't have (13.3 and 13.5), which is declined as it should be, and 30 that
// end with an error of their own, before a frame is sent (the first three of each
// group but those two).
var deflated = []string{
	"12.1.4", "12.1.11", "12.2.4", "12.3.4", "12.4.4", "12.5.4", "13.1.4", "13.2.4", "13.4.4", "13.6.4", "13.7.4",
}

func TestAutobahn(t *testing.T) {
	s := newScene(t, websocket.Config{MaxMessage: 16 << 20, QueueFrames: 4096, QueueBytes: 64 << 20}, echoes)
	out := t.TempDir()
	args := []string{strings.TrimPrefix(s.http.URL, "http://"), "--parallelism", "4", "--outdir", out}
	for _, c := range append(core, deflated...) {
		args = append(args, "--include", c)
	}
	output, failed := exec.CommandContext(t.Context(), kosoku(t), args...).CombinedOutput()
	if failed != nil {
		t.Errorf("%v\n%s", failed, output)
	}
	raw, err := os.ReadFile(filepath.Join(out, "index.json"))
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	var agents map[string]map[string]struct{ Behavior, BehaviorClose string }
	if err := json.Unmarshal(raw, &agents); err != nil {
		t.Fatal(err)
	}
	if len(agents) != 1 {
		t.Errorf("%d servers are in the report\n%s", len(agents), output)
	}
	for agent, cases := range agents {
		if want := 301 + len(deflated); len(cases) != want {
			t.Errorf("%d cases were run of %s, want %d", len(cases), agent, want)
		}
		for name, is := range cases {
			// Informational are those for which the standard leaves the answer open.
			if is.Behavior != "OK" && is.Behavior != "INFORMATIONAL" {
				t.Errorf("%s: %s", name, is.Behavior)
			}
		}
	}
}

// kosoku is the program that runs the cases, as `kit test` fetches it.
func kosoku(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	fetched := filepath.Join(cache, "designkits", "kosoku-0.1.0", "bin", "kosoku")
	if _, err := os.Stat(fetched); err == nil {
		return fetched
	}
	path, err := exec.LookPath("kosoku")
	if err != nil {
		t.Fatalf("the conformance cases' runner is neither %s nor on PATH: type `go run ./infra/kit test messaging`, which fetches it, or `pip install kosoku==0.1.0`", fetched)
	}
	return path
}

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"designkits/infra/backend/catalog"
	"designkits/infra/launch"
	"designkits/infra/topology"
)

// The command as a person types it, and the faults as a person types them, on
// this checkout's own case.
func TestTheShortenersDemoStaysExactWhileRedisIsKilledAndFlinkRestarted(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c, err := topology.Load(root, "shortener")
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	offset, release, err := launch.FreeOffset(state, catalog.All, []topology.Case{c})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	kit := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, append(args, "--engine", "native", "--state", state, "--port-offset", fmt.Sprint(offset))...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
		return cmd
	}
	demo := kit("run", "shortener", "--demo")
	demo.Stderr = t.Output()
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = demo.Process.Signal(syscall.SIGTERM) }() // where the test has failed; else it has ended
	broken, exact := false, false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		t.Log(lines.Text())
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "ok    delete a link"): // the next step sends the clicks
			for _, fault := range [][]string{{"kill", "redis"}, {"restart", "flink"}, {"restart", "redis"}} {
				if said, err := kit(fault...).CombinedOutput(); err != nil {
					t.Errorf("kit %v: %v\n%s", fault, err, said)
				}
			}
			broken = true
		case strings.HasPrefix(line, "ok    count them, each exactly once"):
			exact = broken
		}
	}
	if err := demo.Wait(); err != nil || !exact {
		t.Errorf("kit run shortener --demo: %v; the faults were injected: %t; counted exactly: %t", err, broken, exact)
	}
}

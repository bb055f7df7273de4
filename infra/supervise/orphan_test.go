package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"designkits/shared/testenv"
)

// orphan runs a shell script in a process group of its own and records it as
// a supervisor that has been killed would have left it.
func orphan(t *testing.T, state, name, script string) (pid int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waited := make(chan struct{})
	go func() { defer close(waited); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-waited
	})
	if err := writeRecord(state, name, cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestOrphansAreReaped(t *testing.T) {
	state := t.TempDir()
	pid := orphan(t, state, "redis", "exec sleep 600")
	s, _ := open(t, state)
	if !slices.Equal(s.Reaped(), []string{"redis"}) {
		t.Errorf("reaped: %v", s.Reaped())
	}
	if !gone(pid) {
		t.Error("it still runs")
	}
	if fileExists(recordPath(state, "redis")) {
		t.Error("its record is still there")
	}
}

func TestWorkersThatOutlivedTheirMasterAreReaped(t *testing.T) {
	state := t.TempDir()
	pid := orphan(t, state, "nginx", fmt.Sprintf("sleep 600 & echo $! >%s/worker; wait", state))
	worker := readPid(t, filepath.Join(state, "worker"))
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the master is gone", func() bool { _, err := statOf(pid); return err != nil })
	if gone(worker) {
		t.Fatal("the worker went with its master, so this proves nothing")
	}
	open(t, state)
	if !gone(worker) {
		t.Error("the worker still runs")
	}
}

func TestDescendantsInOtherGroupsAreReaped(t *testing.T) {
	state := t.TempDir()
	pid := orphan(t, state, "postgres", fmt.Sprintf("setsid sleep 600 & echo $! >%s/worker; wait", state))
	worker := readPid(t, filepath.Join(state, "worker"))
	testenv.Eventually(t, 20*time.Second, "the worker has left the group", func() bool {
		p, err := statOf(worker)
		return err == nil && p.group == worker
	})
	open(t, state)
	if !gone(pid) || !gone(worker) {
		t.Error("one of them still runs")
	}
}

// A record names a process by its number and start time: another one that was
// given the number later, or before a reboot, is none of ours.
func TestStrangersAreLeftAlone(t *testing.T) {
	for name, change := range map[string]func(*record){
		"another start time": func(r *record) { r.Start++ },
		"another boot":       func(r *record) { r.Boot = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			pid := orphan(t, state, "redis", fmt.Sprintf("sleep 600 & echo $! >%s/worker; wait", state))
			worker := readPid(t, filepath.Join(state, "worker"))
			path := recordPath(state, "redis")
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var r record
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatal(err)
			}
			change(&r)
			if raw, err = json.Marshal(r); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, raw, 0o644); err != nil {
				t.Fatal(err)
			}
			s, _ := open(t, state)
			if gone(pid) || gone(worker) || len(s.Reaped()) != 0 {
				t.Error("a stranger was killed")
			}
		})
	}
}

func TestAStateFolderHasOneSupervisor(t *testing.T) {
	state := t.TempDir()
	open(t, state)
	_, err := Open(state, nil)
	var busy *Busy
	if !errors.As(err, &busy) || busy.Pid != os.Getpid() {
		t.Fatalf("the second Open: %v", err)
	}
	if _, err := Reap(state); !errors.As(err, &busy) {
		t.Errorf("Reap of a folder in use: %v", err)
	}
}

func TestARecordCutShortIsDropped(t *testing.T) {
	state := t.TempDir()
	if err := os.MkdirAll(filepath.Join(state, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recordPath(state, "redis"), []byte(`{"name":"red`), 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, state)
	if fileExists(recordPath(state, "redis")) {
		t.Error("it is still there")
	}
}

package supervise

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/shared/testenv"
)

// A witness keeps what an observer was told.
type witness struct {
	mu     sync.Mutex
	events []Event
}

func (w *witness) observe(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// states lists what was told of a process.
func (w *witness) states(name string) []State {
	w.mu.Lock()
	defer w.mu.Unlock()
	var states []State
	for _, e := range w.events {
		if e.Name == name {
			states = append(states, e.State)
		}
	}
	return states
}

func (w *witness) last(name string) Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range slices.Backward(w.events) {
		if e.Name == name {
			return e
		}
	}
	return Event{}
}

func open(t *testing.T, state string) (*Supervisor, *witness) {
	t.Helper()
	w := &witness{}
	s, err := Open(state, w.observe)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, w
}

func shell(name, script string, needs ...string) Spec {
	return Spec{Name: name, Kind: "process", Command: []string{"sh", "-c", script}, Needs: needs}
}

// lasting is a process that ends by SIGTERM.
func lasting(name string, needs ...string) Spec { return shell(name, "exec sleep 600", needs...) }

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func status(t *testing.T, s *Supervisor, name string) Status {
	t.Helper()
	for _, st := range s.Status() {
		if st.Name == name {
			return st
		}
	}
	t.Fatalf("no status of %s", name)
	return Status{}
}

// ending says how the last run of a process that was stopped has ended.
func ending(t *testing.T, s *Supervisor, name string) string {
	t.Helper()
	procs, err := s.resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	return procs[0].child.exit
}

func readPid(t *testing.T, path string) int {
	t.Helper()
	var pid int
	testenv.Eventually(t, 20*time.Second, path+" has a pid", func() bool {
		raw, err := os.ReadFile(path)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(raw)))
		return err == nil
	})
	return pid
}

// gone reports whether a process has ended, waited for or not.
func gone(pid int) bool {
	p, err := statOf(pid)
	return err != nil || p.dead
}

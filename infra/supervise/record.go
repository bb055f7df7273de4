package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A record is what is left on disk of a running child, so that a supervisor
// that was killed leaves no orphan its successor doesn't know.
type record struct {
	Name    string `json:"name"`
	Pid     int    `json:"pid"` // also its process group
	Session int    `json:"session"`
	Start   uint64 `json:"start"`
	Boot    string `json:"boot"`
}

func recordPath(state, name string) string {
	return filepath.Join(state, "run", strings.ReplaceAll(name, "/", "-")+".json")
}

// writeRecord notes a child that has just started.
func writeRecord(state, name string, pid int) error {
	p, err := statOf(pid)
	if err != nil {
		return fmt.Errorf("record of %s: %w", name, err)
	}
	raw, err := json.Marshal(record{name, pid, p.session, p.start, bootID()})
	if err != nil {
		return fmt.Errorf("record of %s: %w", name, err)
	}
	path := recordPath(state, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("record of %s: %w", name, err)
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		return fmt.Errorf("record of %s: %w", name, err)
	}
	return nil
}

// Adopt records a process group that somebody else in this process has started
// (a go test, a demo), so that it is reaped like a child if this process is
// killed. forget takes the record away once the group has ended.
func Adopt(state, name string, pid int) (forget func(), err error) {
	if err := writeRecord(state, name, pid); err != nil {
		return nil, err
	}
	return func() { removeRecord(state, name) }, nil
}

func removeRecord(state, name string) { _ = os.Remove(recordPath(state, name)) }

// reap ends what the records of an earlier supervisor still point to, and
// returns the names of what it ended. The caller holds the state's lock, so
// that supervisor is gone.
func reap(state string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(state, "run", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("reap orphans: %w", err)
	}
	var reaped []string
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return reaped, fmt.Errorf("reap orphans: %w", err)
		}
		var r record
		// A record that was cut short names nobody; its child died with us.
		if json.Unmarshal(raw, &r) == nil && r.Boot == bootID() && r.Pid > 1 {
			ended, err := endGroup(r)
			if err != nil {
				return reaped, err
			}
			if ended {
				reaped = append(reaped, r.Name)
			}
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return reaped, fmt.Errorf("reap orphans: %w", err)
		}
	}
	return reaped, nil
}

// endGroup kills the recorded group with its descendants in other groups, and
// waits until they are gone. The leader is known by its start time. Without its
// leader (nginx workers outlive their master's SIGKILL) the members are known
// by the session, and by not being older than the leader was: their group's
// number can't have been given to anybody else while they have it.
func endGroup(r record) (bool, error) {
	deadline := time.Now().Add(5 * time.Second)
	ended := false
	ours := map[int]procStat{} // also those whose parent is gone by now
	for {
		if p, err := statOf(r.Pid); err == nil && !p.dead && p.group == r.Pid && p.start != r.Start {
			return ended, nil // the number is another group's now, so ours is gone
		}
		members, err := family(func(p procStat) bool {
			return p.group == r.Pid && (p.pid == r.Pid || p.start >= r.Start && p.session == r.Session)
		})
		if err != nil {
			return ended, fmt.Errorf("reap %s: %w", r.Name, err)
		}
		for _, m := range members {
			ours[m.pid] = m
		}
		live := 0
		for pid, m := range ours {
			if !Alive(pid, m.start) {
				continue
			}
			live++
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return ended, fmt.Errorf("reap %s: kill pid %d: %w", r.Name, pid, err)
			}
		}
		if live == 0 {
			return ended, nil
		}
		ended = true
		if time.Now().After(deadline) {
			return ended, fmt.Errorf("reap %s: %d processes of group %d survive SIGKILL; look at them with ps -o pid,stat,cmd -g %d",
				r.Name, live, r.Pid, r.Pid)
		}
		pause(20 * time.Millisecond)
	}
}

// pause spaces the rounds of a poll.
func pause(d time.Duration) { <-time.After(d) }

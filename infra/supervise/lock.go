package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A Busy is a state folder that another supervisor holds.
type Busy struct {
	State string
	Pid   int // 0 when it isn't known
}

func (e *Busy) Error() string {
	return fmt.Sprintf("another kit (pid %d) is running in %s", e.Pid, e.State)
}

// lockState takes the state folder for this process. The lock ends with the
// process however it ends, and children don't inherit it.
func lockState(state string) (*os.File, error) {
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", state, err)
	}
	f, err := os.OpenFile(filepath.Join(state, "supervisor.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", state, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		raw, _ := io.ReadAll(f)
		_ = f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", state, err)
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
		return nil, &Busy{State: state, Pid: pid}
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// Reap ends what a killed supervisor has left of a state folder that nobody
// uses any more. A *Busy error means that somebody does.
func Reap(state string) ([]string, error) {
	lock, err := lockState(state)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	return reap(state)
}

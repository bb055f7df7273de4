package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// lock takes the lock file, and calls waiting once if somebody else holds it.
// The operating system gives the lock back when the process ends in any way,
// so a kit that was killed leaves none behind.
func lock(ctx context.Context, path string, waiting func(holder string)) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, Explain(fmt.Errorf("open the lock of the cache: %w", err), "")
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for said := false; ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if !said {
			said = true
			holder, _ := io.ReadAll(io.NewSectionReader(f, 0, 32)) // only told to a person
			if pid := strings.TrimSpace(string(holder)); pid != "" {
				waiting(" (pid " + pid + ")")
			} else {
				waiting("")
			}
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for the kit that is fetching: %w", ctx.Err())
		case <-tick.C:
		}
	}
	// The number is a courtesy to whoever waits; the lock holds without it.
	_ = f.Truncate(0)
	_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return func() { f.Close() }, nil
}

// Package hold takes things of which the machine has one, such as a port, before
// whoever is to use them can: a name is held by one process at a time.
package hold

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// CasePorts is the first port of cases that tests, benches and experiments start by
// themselves (shared/rig). All ports of a kit lie below.
const CasePorts = 28_000

// Take holds the name for this process until release is called or the process ends,
// or reports that somebody has it, of this process or another. It may be used by many
// goroutines at once.
func Take(name string) (release func(), ok bool, err error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("kit-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("hold %s: %w", name, err)
	}
	// Each file that is opened has a lock of its own, in one process as in two.
	f, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("hold %s: %w", name, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, false, nil
		}
		return nil, false, fmt.Errorf("hold %s: %w", name, err)
	}
	return func() { _ = f.Close() }, true, nil
}

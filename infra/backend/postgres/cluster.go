package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A cluster is PostgreSQL's data directory.
type cluster struct {
	dir   string
	bin   string // where postgres and initdb are
	owner owner
}

const (
	unfinished = "initdb-"        // what a cluster's folder is called until it is whole
	leaveTime  = 30 * time.Second // for the processes of a server that was killed
)

// prepare makes sure that there is a whole cluster which nobody uses.
func (c cluster) prepare(ctx context.Context) error {
	_, err := os.Stat(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return c.initialise(ctx)
	}
	if err != nil {
		return fmt.Errorf("look for the cluster of postgres: %w", err)
	}
	return c.settle(ctx)
}

// initialise makes the cluster with its database aside, and renames it once it
// is whole and on the disk: one that was interrupted is never used.
func (c cluster) initialise(ctx context.Context) error {
	parent := filepath.Dir(c.dir)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("make the cluster of postgres: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), unfinished) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(parent, e.Name())); err != nil {
			return fmt.Errorf("make the cluster of postgres: %w", err)
		}
	}
	// Never under the same name: an initdb may outlive the kit that was killed.
	fresh, err := os.MkdirTemp(parent, unfinished)
	if err != nil {
		return fmt.Errorf("make the cluster of postgres: %w", err)
	}
	defer os.RemoveAll(fresh) // not there any more if all went well
	if err := c.owner.own(fresh); err != nil {
		return fmt.Errorf("make the cluster of postgres: %w", err)
	}
	initdb := append([]string{"-D", c.owner.workingDir(), "--username=" + User, "--auth=trust"}, strings.Fields(Initdb)...)
	if err := c.run(ctx, fresh, "", "initdb", initdb...); err != nil {
		return err
	}
	err = c.run(ctx, fresh, "CREATE DATABASE "+Database, "postgres", "--single", "-D", c.owner.workingDir(), "-c", "exit_on_error=true", "postgres")
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, c.dir); err != nil {
		return fmt.Errorf("make the cluster of postgres: %w", err)
	}
	return syncFolder(parent)
}

// run runs one of PostgreSQL's programs in a cluster's folder.
func (c cluster) run(ctx context.Context, dir, input, program string, args ...string) error {
	command := c.owner.command(filepath.Join(c.bin, program), args...)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(input)
	cmd.WaitDelay = 5 * time.Second // initdb's own children may have its output open
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the cluster of postgres: %s: %w\n%s", program, err, bytes.TrimSpace(out))
	}
	return nil
}

// syncFolder makes a rename in the folder outlive a crash of the machine.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("make the cluster of postgres: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("make the cluster of postgres: %w", err)
	}
	return nil
}

// settle waits for what a killed server has left. When a postmaster is killed
// its other processes end as soon as they wait for something, one in the middle
// of a query not before; a new server refuses to start beside them.
//
// Then it removes postmaster.pid, which a killed server leaves as well: a
// server that finds another process of its user under the number in it, which
// after a boot is likely enough, takes that for a postmaster.
func (c cluster) settle(ctx context.Context) error {
	file := filepath.Join(c.dir, "postmaster.pid")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was shut down
	}
	if err != nil {
		return fmt.Errorf("look for an earlier postgres: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := attached(string(text))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // not Linux: PostgreSQL's own judgement has to do
		}
		if err != nil {
			return fmt.Errorf("look for an earlier postgres: %w", err)
		}
		if n == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d processes of an earlier postgres still use %s (a long query?): %w; find them with ps -ef, end them, and try again",
				n, c.dir, ctx.Err())
		}
	}
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("remove what a killed postgres has left: %w", err)
	}
	return nil
}

// attached returns how many processes use the shared memory segment that a
// postmaster.pid names; every process of a server does. Its seventh line has
// the segment's key and number; a server that has got to no such line has
// nothing but its first process, whose death the supervisor has seen.
func attached(postmasterPid string) (int, error) {
	lines := strings.Split(postmasterPid, "\n")
	if len(lines) < 7 {
		return 0, nil
	}
	segment := strings.Fields(lines[6])
	if len(segment) != 2 {
		return 0, nil
	}
	// PostgreSQL writes the key as an unsigned long, the kernel as an int.
	key, err := strconv.ParseUint(segment[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("postmaster.pid: %w", err)
	}
	table, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(table)) {
		// key shmid perms size cpid lpid nattch ...
		f := strings.Fields(line)
		if len(f) > 6 && f[0] == strconv.Itoa(int(int32(key))) && f[1] == segment[1] {
			return strconv.Atoi(f[6])
		}
	}
	return 0, nil
}

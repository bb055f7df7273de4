package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"designkits/shared/kitenv"
)

// build builds main packages of the module in dir into the folder's bin. Where
// programs are kept, those that are as they were when this module or a copy of it was
// built the last time aren't linked again: that is most of a build.
func build(ctx context.Context, dir, folder string, packages ...string) error {
	bin, kept := filepath.Join(folder, "bin"), kitenv.Programs()
	if kept == "" {
		return compile(ctx, dir, bin, packages)
	}
	kept = filepath.Join(kept, filepath.Base(dir))
	unlock, err := lock(kept)
	if err != nil {
		return fmt.Errorf("build %s: %w", strings.Join(packages, " "), err)
	}
	defer unlock()
	if err := compile(ctx, dir, kept, packages); err != nil {
		return err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("build %s: %w", strings.Join(packages, " "), err)
	}
	for _, pkg := range slices.Compact(slices.Sorted(slices.Values(packages))) {
		name := filepath.Base(pkg)
		if err := put(filepath.Join(kept, name), filepath.Join(bin, name)); err != nil {
			return fmt.Errorf("build %s: %w", pkg, err)
		}
	}
	return nil
}

// put gives a program another name, which stays what it is when the next build puts
// another file in place of the first. Where that is on another disk it is copied.
func put(program, name string) error {
	if os.Link(program, name) == nil {
		return nil
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o755)
}

// lock makes a folder, and keeps other processes out of it until unlock is called.
func lock(folder string) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", folder, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // which ends the lock
}

// compile runs go build, without the data of a debugger: with it linking takes half as
// long again.
func compile(ctx context.Context, dir, bin string, packages []string) error {
	args := append([]string{"build", "-ldflags=-w", "-o", bin + string(filepath.Separator)}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", strings.Join(packages, " "), err, out)
	}
	return nil
}

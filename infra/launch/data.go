package launch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"designkits/infra/backend"
	"designkits/infra/topology"
)

// seedMark notes that a backend's data folder holds a case's sample data, in
// the namespace of one of its variants. It goes with the data.
func (l *Launcher) seedMark(backendName, namespace string) string {
	return filepath.Join(l.State, "data", ".seeded", backendName, namespace)
}

// seeded reports whether the sample data is in every backend of the case.
func (l *Launcher) seeded(c topology.Case) bool {
	for _, b := range c.Backends {
		if _, err := os.Stat(l.seedMark(b, c.Namespace)); err != nil {
			return false
		}
	}
	return true
}

// MarkSeeded notes that the sample data of the case that runs is in.
func (l *Launcher) MarkSeeded(caseName string) error {
	l.mu.Lock()
	c, runs := l.cases[caseName]
	l.mu.Unlock()
	if !runs {
		return fmt.Errorf("note the sample data of %s: it doesn't run", caseName)
	}
	for _, b := range c.Backends {
		mark := l.seedMark(b, c.Namespace)
		if err := os.MkdirAll(filepath.Dir(mark), 0o755); err != nil {
			return fmt.Errorf("note the sample data of %s: %w", c.Name, err)
		}
		if err := os.WriteFile(mark, nil, 0o644); err != nil {
			return fmt.Errorf("note the sample data of %s: %w", c.Name, err)
		}
	}
	return nil
}

// Drop removes everything the backends hold of a namespace, and the processes'
// own folders in it. The case's backends must be running; of those that only a
// variant has, the ones that run are asked.
func (l *Launcher) Drop(ctx context.Context, caseName, namespace string) error {
	c, err := topology.Load(l.Root, caseName)
	if err != nil {
		return err
	}
	backends, err := l.Backends(c.AllBackends())
	if err != nil {
		return err
	}
	var failed []error
	for _, b := range backends {
		if !slices.Contains(c.Backends, b.Name) && !l.runs(b.Name) {
			continue
		}
		failed = append(failed, l.dropIn(ctx, b, namespace))
		failed = append(failed, removeWithin(filepath.Join(l.State, "data", ".seeded", b.Name), namespace))
	}
	failed = append(failed, removeWithin(filepath.Join(l.State, "process", c.Name), namespace))
	return errors.Join(failed...)
}

// DropRunning removes everything that the backends which run hold of a namespace.
func (l *Launcher) DropRunning(ctx context.Context, namespace string) error {
	var failed []error
	for _, b := range l.Catalog {
		if l.runs(b.Name) {
			failed = append(failed, l.dropIn(ctx, b, namespace))
		}
	}
	return errors.Join(failed...)
}

func (l *Launcher) dropIn(ctx context.Context, b backend.Backend, namespace string) error {
	if b.Drop == nil {
		return nil
	}
	if err := b.Drop(ctx, l.Site(b), namespace); err != nil {
		return fmt.Errorf("drop %s in %s: %w", namespace, b.Name, err)
	}
	return nil
}

// Wipe removes all that a stopped backend has stored, and says how much.
func (l *Launcher) Wipe(ctx context.Context, b backend.Backend) (string, error) {
	if l.runs(b.Name) {
		return "", fmt.Errorf("wipe %s: it is running; `kit down %s` stops it", b.Name, b.Name)
	}
	site := l.Site(b)
	size := folderSize(site.Data)
	if err := l.Engine.Wipe(ctx, b, site); err != nil {
		return "", err
	}
	if err := remove(filepath.Join(l.State, "data", ".seeded", b.Name)); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %s removed (%s)", b.Name, MB(size), site.Data), nil
}

// removeWithin removes what is in the folder under a name within the namespace.
func removeWithin(folder, namespace string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", namespace, err)
	}
	var failed []error
	for _, e := range entries {
		if backend.Within(e.Name(), namespace) {
			failed = append(failed, remove(filepath.Join(folder, e.Name())))
		}
	}
	return errors.Join(failed...)
}

func remove(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

func folderSize(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil // what can't be read isn't counted
	})
	return sum
}

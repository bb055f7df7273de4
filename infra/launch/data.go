package launch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"designkits/infra/backend"
	"designkits/infra/topology"
)

// seedMark notes that a backend's data folder holds a case's sample data. It
// goes with the data.
func (l *Launcher) seedMark(backendName, caseName string) string {
	return filepath.Join(l.State, "data", ".seeded", backendName, caseName)
}

// seeded reports whether the sample data is in every backend of the case.
func (l *Launcher) seeded(c topology.Case) bool {
	for _, b := range c.Backends {
		if _, err := os.Stat(l.seedMark(b, c.Name)); err != nil {
			return false
		}
	}
	return true
}

// MarkSeeded notes that the case's sample data is in.
func (l *Launcher) MarkSeeded(caseName string) error {
	c, err := topology.Load(l.Root, caseName)
	if err != nil {
		return err
	}
	for _, b := range c.Backends {
		mark := l.seedMark(b, c.Name)
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
// own folders in it. The backends must be running.
func (l *Launcher) Drop(ctx context.Context, caseName, namespace string) error {
	c, err := topology.Load(l.Root, caseName)
	if err != nil {
		return err
	}
	backends, err := l.Backends(c.Backends)
	if err != nil {
		return err
	}
	var failed []error
	for _, b := range backends {
		if b.Drop == nil {
			continue
		}
		if err := b.Drop(ctx, l.Site(b), namespace); err != nil {
			failed = append(failed, fmt.Errorf("drop %s in %s: %w", namespace, b.Name, err))
		}
		if namespace == c.Name {
			failed = append(failed, remove(l.seedMark(b.Name, c.Name)))
		}
	}
	failed = append(failed, remove(filepath.Join(l.State, "process", c.Name, namespace)))
	return errors.Join(failed...)
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

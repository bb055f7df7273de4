package exercise

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Root is the top of the checkout that a folder is in.
func Root(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("there is no go.work in or above %s", start)
		}
	}
}

// CopyTree copies a checkout's files, all but what begins with a dot.
func CopyTree(root, to string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := path != root && strings.HasPrefix(d.Name(), ".")
		switch {
		case hidden && d.IsDir():
			return filepath.SkipDir
		case hidden || !d.IsDir() && !d.Type().IsRegular():
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}

// A Stale is a patch that doesn't fit the tree.
type Stale struct {
	Patch string
	Said  string // by git
}

func (e *Stale) Error() string {
	return fmt.Sprintf("%s does not apply to this tree:\n%s", e.Patch, e.Said)
}

// Apply applies a patch to the tree below root, all of it or, with a *Stale,
// nothing.
func Apply(ctx context.Context, root, patch string) error {
	patch, err := filepath.Abs(patch)
	if err != nil {
		return fmt.Errorf("apply %s: %w", patch, err)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return fmt.Errorf("apply %s: this needs git: apt-get install git: %w", patch, err)
	}
	// One line around a change is enough to find its place; three would make it
	// stale whenever a neighbour changes.
	cmd := exec.CommandContext(ctx, git, "apply", "--whitespace=nowarn", "-C1", patch)
	cmd.Dir = root
	// Git must take root for the top, also in a folder that another checkout has.
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(root))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return &Stale{Patch: patch, Said: strings.TrimSpace(string(out))}
	}
	if err != nil {
		return fmt.Errorf("apply %s: %w", patch, err)
	}
	return nil
}

// Package check holds what `kit test` looks at before it runs any test: the
// workspace's modules, their formatting, go vet, staticcheck and govulncheck.
package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Module is one module of the workspace.
type Module struct {
	Path string // "designkits/cases/shortener"
	Dir  string
}

// Name is what a person calls the module: "shortener". A module inside a case
// goes by the case's name and its own: "messaging/client".
func (m Module) Name() string {
	if _, within, ok := strings.Cut(m.Path, "/cases/"); ok {
		return within
	}
	return filepath.Base(m.Dir)
}

// Case reports whether the module is a case.
func (m Module) Case() bool { return filepath.Base(filepath.Dir(m.Dir)) == "cases" }

// Belongs reports whether the module is the named one or a part of that case.
func (m Module) Belongs(name string) bool {
	return m.Name() == name || strings.HasPrefix(m.Name(), name+"/")
}

// Modules lists the modules of the workspace at root.
func Modules(ctx context.Context, root string) ([]Module, error) {
	cmd := goCommand(ctx, root, "list", "-m", "-f", `{"Path":"{{.Path}}","Dir":{{printf "%q" .Dir}}}`)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the modules: %w%s", err, stderr(err))
	}
	var modules []Module
	for line := range strings.Lines(string(out)) {
		var m Module
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			return nil, fmt.Errorf("list the modules: %w", err)
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// Static runs every check that needs no backend, the quick ones first, and
// stops at the first that fails. say gets a line a check.
func Static(ctx context.Context, root string, modules []Module, say func(format string, args ...any)) error {
	checks := []struct {
		name string
		run  func(context.Context, string, []Module) (note string, err error)
	}{
		{"gofmt", gofmt},
		{"go vet", tool("vet")},
		{"staticcheck", tool("tool", "staticcheck")},
		{"govulncheck", govulncheck},
	}
	for _, c := range checks {
		begun := time.Now()
		note, err := c.run(ctx, root, modules)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if note == "" {
			note = "ok"
		}
		say("%s: %s (%.1fs)", c.name, note, time.Since(begun).Seconds())
	}
	return nil
}

// gofmt lists the files that aren't formatted, as gofmt -l does.
func gofmt(ctx context.Context, _ string, modules []Module) (string, error) {
	var unformatted []string
	for _, m := range modules {
		err := filepath.WalkDir(m.Dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != m.Dir {
				return fs.SkipDir
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") {
				return ctx.Err()
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			formatted, err := format.Source(source)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if !bytes.Equal(source, formatted) {
				unformatted = append(unformatted, path)
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	if len(unformatted) > 0 {
		return "", fmt.Errorf("not formatted, `gofmt -w` does it: %s", strings.Join(unformatted, " "))
	}
	return "", nil
}

// tool runs a go subcommand over all packages of all modules at once.
func tool(args ...string) func(context.Context, string, []Module) (string, error) {
	return func(ctx context.Context, root string, modules []Module) (string, error) {
		full := args
		for _, m := range modules {
			full = append(full[:len(full):len(full)], m.Path+"/...")
		}
		if out, err := goCommand(ctx, root, full...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return "", nil
	}
}

// govulncheck looks for known vulnerabilities that the code can reach. Its
// database is on the network: without it nothing is known, which is said and
// isn't a failure.
func govulncheck(ctx context.Context, _ string, modules []Module) (string, error) {
	for _, m := range modules { // it works in one module at a time
		out, err := goCommand(ctx, m.Dir, "tool", "govulncheck", "./...").CombinedOutput()
		if err != nil && strings.Contains(string(out), "fetching vulnerabilities") {
			return "not checked, its database can't be reached from here", nil
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w\n%s", m.Name(), err, out)
		}
	}
	return "", nil
}

// goCommand prepares a go command in a process group of its own, all of which
// ends with ctx.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func stderr(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return "\n" + string(exit.Stderr)
	}
	return ""
}

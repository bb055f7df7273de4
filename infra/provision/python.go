package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// A Python is a program that comes as a Python package, in a virtual environment
// of its own in the cache: nothing of it gets into the system's Python.
type Python struct {
	Name    string // the tool's, the package's and the program's: "kosoku"
	Version string // pinned: "0.1.0"
	Bytes   int64  // about how much is downloaded
}

// Interpreter is what a Python needs first: python3 with what makes virtual
// environments, which Debian has in a package apart.
var Interpreter = Debian{
	Name: "python", Program: "python3", Major: "3",
	VersionArgs: []string{"-c", "import ensurepip, venv, platform; print(platform.python_version())"},
	Packages:    []string{"python3", "python3-venv"}, Bytes: 8_000_000,
}

// Dir is the source's folder in the cache. The environment is made where it stays,
// since its programs have its path in them.
func (p Python) Dir(cache string) string { return filepath.Join(cache, p.Name+"-"+p.Version) }

// Path is the program.
func (p Python) Path(cache string) string { return filepath.Join(p.Dir(cache), "bin", p.Name) }

// complete is written last: a folder without it is half made, and not used.
func (p Python) complete(cache string) string { return filepath.Join(p.Dir(cache), "complete") }

// Verify says what is wrong with the environment in the cache: that it isn't
// complete, or that its Python has gone.
func (p Python) Verify(cache string) error {
	if _, err := os.Stat(p.complete(cache)); err != nil {
		return fmt.Errorf("look for %s: %w", p.Name, err)
	}
	if err := exec.Command(p.Path(cache), "--help").Run(); err != nil {
		return fmt.Errorf("try %s: %w", p.Path(cache), err)
	}
	return nil
}

// Describe implements Source.
func (p Python) Describe(_ context.Context, cache string) (what string, bytes int64, installed bool) {
	what = fmt.Sprintf("%s %s (Python)", p.Name, p.Version)
	if p.Verify(cache) == nil {
		return what, 0, true
	}
	return what, p.Bytes, false
}

// fetchPython makes the environments, one after the other. The caller holds the
// cache's lock and has seen to the Interpreter.
func fetchPython(ctx context.Context, cache string, all []Python, r *reporter) error {
	for _, p := range all {
		python, err := Interpreter.Path()
		if err != nil {
			return &Missing{Kind: ErrNoPackage, What: "Python 3 with venv can't be found on PATH",
				Do: "type: sudo apt-get install -y python3 python3-venv", Detail: err}
		}
		if err := os.RemoveAll(p.Dir(cache)); err != nil { // a half-made or damaged one
			return fmt.Errorf("remove the damaged %s: %w", p.Name, err)
		}
		r.say(Progress{Name: p.Name, Doing: "making its Python environment", Total: p.Bytes})
		for _, command := range [][]string{
			{python, "-m", "venv", p.Dir(cache)},
			{filepath.Join(p.Dir(cache), "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
				"--no-deps", "--only-binary", ":all:", p.Name + "==" + p.Version},
		} {
			if err := runPython(ctx, command); err != nil {
				return fmt.Errorf("fetch %s %s: %w", p.Name, p.Version, err)
			}
		}
		if err := os.WriteFile(p.complete(cache), nil, 0o644); err != nil {
			return Explain(fmt.Errorf("complete %s: %w", p.Name, err), "")
		}
		if err := p.Verify(cache); err != nil {
			return errors.Join(err, os.Remove(p.complete(cache)))
		}
		r.say(Progress{Name: p.Name, Doing: "fetched and tried", Done: p.Bytes, Total: p.Bytes, Finished: true})
	}
	return nil
}

// runPython runs a command that ends with ctx and with this process.
func runPython(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PYTHONNOUSERSITE=1")
	cmd.SysProcAttr = childOfThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	runtime.LockOSThread() // the child's death signal hangs on the thread that started it
	output, err := cmd.CombinedOutput()
	runtime.UnlockOSThread()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return Explain(fmt.Errorf("%s: %w\n%s", command[0], err, lastErrors(string(output), 3)), string(output))
	}
	return nil
}

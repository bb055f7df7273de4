package provision

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
)

// findGo says what to do where there is no go command: a kit that was installed
// can be run without one.
func findGo() error {
	if _, err := exec.LookPath("go"); err != nil {
		return &Missing{Kind: ErrNoGo, What: "there is no go on PATH", Do: "install Go 1.26 or newer, and put its bin folder on PATH", Detail: err}
	}
	return nil
}

// installGo builds the programs one after the other: go itself uses all
// processors. They are built below a temporary name in the cache and renamed
// once they have been checked. The caller holds the cache's lock.
func installGo(ctx context.Context, cache string, programs []Go, r *reporter) error {
	for _, g := range programs {
		if err := installOne(ctx, cache, g, r); err != nil {
			return err
		}
		r.say(Progress{Name: g.Name, Doing: "built and checked", Done: g.Bytes, Total: g.Bytes, Finished: true})
	}
	return nil
}

func installOne(ctx context.Context, cache string, g Go, r *reporter) error {
	tmp, err := os.MkdirTemp(cache, fetchPrefix)
	if err != nil {
		return Explain(fmt.Errorf("make a folder in the cache: %w", err), "")
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil { // it stays, under another name
		return fmt.Errorf("make a folder in the cache: %w", err)
	}
	modules, err := moduleCache(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "install", "-v", "-ldflags=-s -w", g.Package+"@"+g.Version)
	cmd.Dir = tmp // of no module, and of no workspace
	cmd.Env = append(os.Environ(), "GOBIN="+filepath.Join(tmp, libName), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GO111MODULE=on")
	log := &goLog{reporter: r, of: g, modules: modules}
	err = follow(cmd, log.follow)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("build %s: %w", g.Name, ctx.Err())
	case err != nil:
		text := strings.Join(log.last, "\n")
		return Explain(fmt.Errorf("go install %s@%s: %w\n%s", g.Package, g.Version, err, text), text)
	}
	if err := seal(tmp, g.isBuiltFrom); err != nil {
		return Explain(fmt.Errorf("check %s: %w", g.Name, err), "")
	}
	return place(tmp, g.Dir(cache), g.Name)
}

// moduleCache is where go puts what it downloads.
func moduleCache(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return "", fmt.Errorf("ask go for its module cache: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "cache", "download"), nil
}

// A goLog reads what `go install -v` prints: a line a module that it begins to
// download, then one a package that it has begun to compile.
type goLog struct {
	*reporter
	of      Go
	modules string   // the folder of what was downloaded
	pending []string // archives that are being downloaded
	done    int64
	last    []string // the last lines that are neither
}

var (
	goDownloading = regexp.MustCompile(`^go: downloading (\S+) (\S+)$`)
	goCompiling   = regexp.MustCompile(`^[\w.~/-]+$`)
)

// follow reads to the end of out, which it must, or go would block.
func (l *goLog) follow(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			l.line(line)
		}
		if err != nil {
			return
		}
	}
}

func (l *goLog) line(line string) {
	var doing string
	switch m := goDownloading.FindStringSubmatch(line); {
	case m != nil:
		doing = "fetching " + m[1]
		if file, err := archive(m[1], m[2]); err == nil {
			l.pending = append(l.pending, filepath.Join(l.modules, file))
		}
	case goCompiling.MatchString(line):
		doing = "building " + line
	default:
		l.last = append(l.last, line)
		l.last = l.last[max(0, len(l.last)-5):]
		return
	}
	l.count()
	l.say(Progress{Name: l.of.Name, Doing: doing, Done: l.done, Total: max(l.of.Bytes, l.done)})
}

// count adds the archives that have come since.
func (l *goLog) count() {
	var rest []string
	for _, file := range l.pending {
		if info, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			rest = append(rest, file)
		} else if err == nil {
			l.done += info.Size()
		}
	}
	l.pending = rest
}

// archive is the path of a module's archive below the module cache.
func archive(path, version string) (string, error) {
	path, err := module.EscapePath(path)
	if err != nil {
		return "", err
	}
	version, err = module.EscapeVersion(version)
	return filepath.Join(filepath.FromSlash(path), "@v", version+".zip"), err
}

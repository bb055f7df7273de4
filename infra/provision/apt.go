package provision

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// installScript runs as root; see the comments in it.
//
//go:embed install.sh
var installScript string

// aptRights finds out how a user becomes root, or says what to type. The
// returned prefix goes before the command: nothing for root, else sudo.
func aptRights(ctx context.Context, uid int, debs []Debian) ([]string, error) {
	var packages, programs []string
	for _, d := range debs {
		packages = append(packages, d.Packages...)
		programs = append(programs, d.Program+" "+d.Major)
	}
	what := strings.Join(programs, ", ") + " can't be found on PATH"
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, &Missing{
			Kind: ErrUnsupported, What: what + ", and this system has no apt-get",
			Do: "install them with the system's own package manager, or start a Docker engine; the kit uses what is on PATH", Detail: details(debs),
		}
	}
	if uid == 0 {
		return nil, nil
	}
	if err := exec.CommandContext(ctx, "sudo", "-n", "true").Run(); err == nil {
		return []string{"sudo", "-n"}, nil
	}
	return nil, &Missing{
		Kind: ErrNoRights, What: what + ", and installing needs root's rights (sudo asks for a password here)",
		Do: "type: sudo apt-get update && sudo apt-get install -y " + strings.Join(packages, " "), Detail: details(debs),
	}
}

// details says what was found instead of the programs.
func details(debs []Debian) error {
	var errs []error
	for _, d := range debs {
		_, err := d.Path()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// installDebian installs the packages of all debs. Once it has begun it runs
// to its end even if ctx or this process ends before, because a dpkg that is
// interrupted leaves the system half configured; apt-get's own time limits
// bound it. Therefore it writes to a file and not to us.
func installDebian(ctx context.Context, cache string, root []string, debs []Debian, r *reporter) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("install by apt-get: %w", err)
	}
	logName := filepath.Join(cache, "apt.log")
	log, err := os.Create(logName)
	if err != nil {
		return Explain(fmt.Errorf("open apt-get's log: %w", err), "")
	}
	defer log.Close()
	progress := &aptLog{reporter: r}
	var packages, services []string
	for _, d := range debs {
		packages = append(packages, d.Packages...)
		services = append(services, d.Services...)
		progress.total += d.Bytes
		progress.names = append(progress.names, d.Name)
	}
	args := slices.Concat(root, []string{"sh", "-c", installScript, "install.sh", strings.Join(services, " ")}, packages)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C must not reach dpkg
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start apt-get: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := progress.follow(ctx, logName, ended); err != nil {
		text, _ := os.ReadFile(logName) // what there is of it
		return Explain(fmt.Errorf("install %s by apt-get: %w\n%s", strings.Join(progress.names, ", "), err, lastErrors(string(text), 3)), string(text))
	}
	for _, d := range debs {
		if _, err := d.Path(); err != nil {
			return &Missing{
				Kind: ErrUnsupported, What: fmt.Sprintf("this system's package of %s is of another version", d.Program),
				Do: "install one of version " + d.Major + " and put it first on PATH; the kit was made for Debian 12", Detail: err,
			}
		}
		r.say(Progress{Name: d.Name, Doing: "installed", Done: d.Bytes, Total: d.Bytes, Finished: true})
	}
	return ctx.Err()
}

// An aptLog turns apt-get's log into progress.
type aptLog struct {
	*reporter
	names       []string
	done, total int64
}

var aptGet = regexp.MustCompile(`^Get:\d+ .* (\S+) \S+ \S+ \[([\d.,]+) (B|kB|MB|GB)\]$`)

// follow reports the log's growth until the command has ended.
func (l *aptLog) follow(ctx context.Context, name string, ended <-chan error) error {
	f, err := os.Open(name)
	if err != nil {
		return errors.Join(err, <-ended)
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	interrupted := ctx.Done()
	for partial := ""; ; {
		for {
			line, err := lines.ReadString('\n')
			partial += line
			if err != nil {
				break // io.EOF: for now
			}
			l.line(strings.TrimSpace(partial))
			partial = ""
		}
		select {
		case err := <-ended:
			rest, _ := io.ReadAll(lines)
			for line := range strings.Lines(partial + string(rest)) {
				l.line(strings.TrimSpace(line))
			}
			return err
		case <-interrupted:
			interrupted = nil
			l.step("letting apt-get finish: to interrupt it would leave the system half configured")
		case <-tick.C:
		}
	}
}

func (l *aptLog) line(line string) {
	if m := aptGet.FindStringSubmatch(line); m != nil {
		if size, err := strconv.ParseFloat(strings.ReplaceAll(m[2], ",", ""), 64); err == nil {
			l.done += int64(size * mavenUnits[m[3]])
		}
		l.step("fetching " + m[1])
		return
	}
	for _, prefix := range []string{"Unpacking ", "Setting up ", "Processing triggers for ", "Reading package lists"} {
		if strings.HasPrefix(line, prefix) {
			l.step(strings.TrimSuffix(line, " ..."))
		}
	}
}

func (l *aptLog) step(doing string) {
	for _, name := range l.names {
		l.say(Progress{Name: name, Doing: doing, Done: l.done, Total: max(l.total, l.done)})
	}
}

// lastErrors are the last lines that apt-get calls errors, or the last lines
// if there are none.
func lastErrors(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	var called []string
	for _, line := range lines {
		if strings.HasPrefix(line, "E: ") {
			called = append(called, line)
		}
	}
	if len(called) > 0 {
		lines = called
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

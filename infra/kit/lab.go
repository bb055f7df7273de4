package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"designkits/infra/control"
	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/supervise"
	"designkits/shared/lab"
)

// runLab runs a subcommand of the case's cmd/lab and shows each of its lines. When
// a line or the program's exit status says that something did not hold, the
// error is an exitStatus and has been said.
func runLab(ctx context.Context, place engine.Place, caseName, subcommand string, env []string, s *screen) error {
	cmd, err := labCommand(ctx, place, caseName, subcommand)
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	// The terminal's Ctrl-C reaches us, and we end it in our order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("lab %s of %s: %w", subcommand, caseName, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("lab %s of %s: %w", subcommand, caseName, err)
	}
	if forget, err := supervise.Adopt(place.State, "lab-"+caseName, cmd.Process.Pid); err == nil { // else it has ended already
		defer forget()
	}
	failed := showLines(out, s)
	if err := cmd.Wait(); err != nil {
		var exit *exec.ExitError
		if ctx.Err() != nil {
			return fmt.Errorf("lab %s of %s: %w", subcommand, caseName, context.Cause(ctx))
		}
		if errors.As(err, &exit) && exit.ExitCode() > 0 {
			s.linef("%s %s: it did not hold", caseName, subcommand)
			return exitStatus(exit.ExitCode())
		}
		return fmt.Errorf("lab %s of %s: %w", subcommand, caseName, err)
	}
	if failed > 0 {
		s.linef("%s %s: %d steps did not hold", caseName, subcommand, failed)
		return exitStatus(launch.ExitFailed)
	}
	return nil
}

// labCommand builds the case's lab and returns its call, to be run in the
// case's folder.
func labCommand(ctx context.Context, place engine.Place, caseName string, args ...string) (*exec.Cmd, error) {
	program := filepath.Join(place.State, "bin", caseName, "lab")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/lab")
	build.Dir = filepath.Join(place.Root, "cases", caseName)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the lab of %s: %w\n%s", caseName, err, out)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = build.Dir
	return cmd, nil
}

// showLines prints a line a step and counts those that didn't hold. Whatever
// isn't a step is printed as it is.
func showLines(out io.Reader, s *screen) (failed int) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l lab.Step
		if json.Unmarshal(lines.Bytes(), &l) != nil || l.Step == "" {
			s.linef("%s", lines.Text())
			continue
		}
		mark := "ok  "
		if !l.OK {
			mark, failed = "FAIL", failed+1
		}
		s.linef("%s  %-44s %s  (%.1fs)", mark, l.Step, l.Figure, float64(l.MS)/1000)
	}
	_, _ = io.Copy(io.Discard, out) // after a line that was too long
	return failed
}

// seed puts the sample data in, once per data folder. The case works without
// it, so a failure is only said; the next start tries again.
func seed(ctx context.Context, place engine.Place, client control.Client, caseName string, r launch.Result, s *screen) {
	if !r.Fresh {
		return
	}
	err := runLab(ctx, place, caseName, "seed", append(r.Env, lab.PageVariable+"="+r.Page), s)
	if err == nil {
		err = client.Seeded(ctx, caseName)
	}
	if err != nil && ctx.Err() == nil {
		s.linef("%s works, but without all of its sample data: %v", caseName, err)
	}
}

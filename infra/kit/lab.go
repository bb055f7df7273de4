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
	failed := 0
	err := askLab(ctx, place, caseName, []string{subcommand}, env, func(line []byte) { failed += showStep(line, s) })
	var exit exitStatus
	switch {
	case errors.As(err, &exit):
		s.linef("%s %s: it did not hold", caseName, subcommand)
	case err == nil && failed > 0:
		s.linef("%s %s: %d steps did not hold", caseName, subcommand, failed)
		return exitStatus(launch.ExitFailed)
	}
	return err
}

// askLab runs a subcommand of the case's lab, with env added to its environment,
// and gives each line of its output to show. The lab's own exit status is the
// error, as an exitStatus; the lab has said why.
func askLab(ctx context.Context, place engine.Place, caseName string, args, env []string, show func(line []byte)) error {
	cmd, err := labCommand(ctx, place, caseName, args...)
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	// The terminal's Ctrl-C reaches us, and we end it in our order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	what := fmt.Sprintf("lab %s of %s", args[0], caseName)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if forget, err := supervise.Adopt(place.State, "lab-"+caseName, cmd.Process.Pid); err == nil { // else it has ended already
		defer forget()
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		show(lines.Bytes())
	}
	_, _ = io.Copy(io.Discard, out) // after a line that was too long
	if err := cmd.Wait(); err != nil {
		var exit *exec.ExitError
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
		if errors.As(err, &exit) && exit.ExitCode() > 0 {
			return exitStatus(exit.ExitCode())
		}
		return fmt.Errorf("%s: %w", what, err)
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

// showStep prints a line of a demo; whatever isn't a step is printed as it is.
// It returns 1 for a step that did not hold, else 0.
func showStep(line []byte, s *screen) (failed int) {
	var l lab.Step
	if json.Unmarshal(line, &l) != nil || l.Step == "" {
		s.linef("%s", line)
		return 0
	}
	s.linef("%s  %-44s %s  (%.1fs)", mark(l.OK), l.Step, l.Figure, float64(l.MS)/1000)
	if !l.OK {
		return 1
	}
	return 0
}

// mark begins a line about something that held or did not.
func mark(held bool) string {
	if held {
		return "ok  "
	}
	return "FAIL"
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

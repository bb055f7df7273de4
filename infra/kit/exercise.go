package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"designkits/infra/engine"
	progress "designkits/infra/exercise"
	"designkits/infra/launch"
	"designkits/infra/supervise"
	"designkits/infra/topology"
	"designkits/shared/exercise"
)

func exerciseCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exercise",
		Short: "Extend a case as an exercise: start one, ask for hints, have it checked",
		Long: "Extend a case as an exercise. `list` shows what there is and `start` what to do; you change the case's code;\n" +
			"`check` builds it and grades it from outside, on real backends. `hint` shows one hint more, `solution` one way to do it.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q; `kit exercise --help` lists them", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	solution := exerciseStep(o, "solution", "Show one way to do it, as a patch; --apply applies it to your tree", (*attempt).solution)
	solution.Flags().Bool("apply", false, "apply it to the working tree, all of it or nothing")
	cmd.AddCommand(
		exerciseListCommand(o),
		exerciseStep(o, "start", "Show what to do and where to begin", (*attempt).start),
		exerciseStep(o, "check", "Build the case as it is now and grade it, on backends started for it", (*attempt).check),
		exerciseStep(o, "hint", "Show the next hint", (*attempt).hint),
		solution,
	)
	return cmd
}

func exerciseListCommand(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list CASE",
		Short: "List a case's exercises and how far you are",
		Args:  arguments(cobra.ExactArgs(1), "CASE [--json]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place, c, err := o.load(args[0])
			if err != nil {
				return err
			}
			items, err := progress.List(place.Root, place.State, c.Name)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(items)
			}
			if len(items) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%s has no exercises yet\n", c.Name)
			}
			columns := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, i := range items {
				fmt.Fprintf(columns, "%s/%s\t%s\t%d min\t%s\n", c.Name, i.ID, i.Title, i.Minutes, i.State)
			}
			return columns.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// An attempt is a person's work on one exercise.
type attempt struct {
	o        *options
	place    engine.Place
	topology topology.Case
	exercise exercise.Exercise
	progress *progress.Progress
}

func exerciseStep(o *options, name, short string, do func(*attempt, *cobra.Command) error) *cobra.Command {
	return &cobra.Command{
		Use:   name + " CASE/NN",
		Short: short,
		Args:  arguments(cobra.ExactArgs(1), "CASE/NN, for example shortener/01"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := o.attempt(args[0])
			if err != nil {
				return err
			}
			return do(a, cmd)
		},
	}
}

func (o *options) attempt(name string) (*attempt, error) {
	place, err := o.place()
	if err != nil {
		return nil, err
	}
	caseName, id, ok := strings.Cut(name, "/")
	if !ok {
		return nil, usagef("%q names no exercise: type CASE/NN, for example shortener/01; `kit exercise list CASE` lists them", name)
	}
	a := &attempt{o: o, place: place}
	if a.topology, err = topology.Load(place.Root, caseName); err != nil {
		return nil, err
	}
	a.exercise, err = exercise.Find(a.topology.Dir, id)
	if unknown := (*exercise.Unknown)(nil); errors.As(err, &unknown) {
		return nil, usage{err}
	}
	if err != nil {
		return nil, err
	}
	a.progress, err = progress.Load(place.State)
	return a, err
}

// name is what a person types for it.
func (a *attempt) name() string { return a.topology.Name + "/" + a.exercise.ID }

// reach keeps that the exercise has come to a state.
func (a *attempt) reach(s progress.State) error {
	step := a.progress.Of(a.topology.Name, a.exercise)
	step.State = s
	return a.progress.Set(a.topology.Name, a.exercise, step)
}

func (a *attempt) start(cmd *cobra.Command) error {
	e := a.exercise
	readme, err := filepath.Rel(a.place.Root, filepath.Join(e.Dir, "README.md"))
	if err != nil {
		readme = e.Dir
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s, about %d minutes\n\n%s\n\nWhere to begin\n\n%s\n\n"+
		"All of it: %s\nThen: go run ./infra/kit exercise check %[6]s   when you think it works\n      go run ./infra/kit exercise hint %[6]s    when you are stuck\n",
		e.Title, e.Minutes, a.plain(e.Section("Goal")), a.plain(e.Section("Where to begin")), readme, a.name())
	return a.reach(progress.Started)
}

var link = regexp.MustCompile(`\[([^\]]+)\]\(([^)#:]+)(#[^)]*)?\)`)

// plain writes a text's links out for a terminal, with paths from the top of the
// checkout in place of those from the exercise's folder.
func (a *attempt) plain(text string) string {
	return link.ReplaceAllStringFunc(text, func(whole string) string {
		part := link.FindStringSubmatch(whole)
		target := filepath.Join(a.exercise.Dir, part[2])
		path, err := filepath.Rel(a.place.Root, target)
		if _, missing := os.Stat(target); err != nil || missing != nil {
			return whole // code that looks like a link
		}
		return fmt.Sprintf("%s (%s%s)", part[1], path, part[3])
	})
}

func (a *attempt) hint(cmd *cobra.Command) error {
	hints, err := a.exercise.Hints()
	if err != nil {
		return err
	}
	step := a.progress.Of(a.topology.Name, a.exercise)
	if step.Hints >= len(hints) {
		fmt.Fprintf(cmd.OutOrStdout(), "You have read all %d hints: %s\nOne way to do it: go run ./infra/kit exercise solution %s\n",
			len(hints), filepath.Join(a.exercise.Dir, "hints.md"), a.name())
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Hint %d of %d: %s\n", step.Hints+1, len(hints), a.plain(hints[step.Hints]))
	step.Hints++
	if step.State == progress.New {
		step.State = progress.Started
	}
	return a.progress.Set(a.topology.Name, a.exercise, step)
}

func (a *attempt) solution(cmd *cobra.Command) error {
	patch := filepath.Join(a.exercise.Dir, exercise.Solution)
	apply, err := cmd.Flags().GetBool("apply")
	if err != nil {
		return err
	}
	if !apply {
		raw, err := os.ReadFile(patch)
		if err == nil {
			_, err = cmd.OutOrStdout().Write(raw)
		}
		return err
	}
	err = exercise.Apply(cmd.Context(), a.place.Root, patch)
	if stale := (*exercise.Stale)(nil); errors.As(err, &stale) {
		return fmt.Errorf("%w\nNothing was changed. Set your own work aside (git stash, or a commit on a branch) and apply it again", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "The solution of %s is in your tree; git diff shows it, git apply -R %s takes it back.\n", a.name(), patch)
	return nil
}

func (a *attempt) check(cmd *cobra.Command) error {
	if err := a.reach(progress.Started); err != nil {
		return err
	}
	screen := newScreen(a.o)
	began := time.Now()
	passed := false
	err := withBackends(cmd.Context(), a.o, a.place, screen, "exercise", a.backends(), func(ctx context.Context, place engine.Place, env []string) (err error) {
		screen.linef("building %s from your tree and checking %s", a.topology.Name, a.exercise.ID)
		passed, err = a.grade(ctx, place, env)
		return err
	})
	if err != nil {
		return err
	}
	if !passed {
		screen.linef("%s: not yet (%.0fs). go run ./infra/kit exercise hint %[1]s shows a hint", a.name(), time.Since(began).Seconds())
		return exitStatus(launch.ExitFailed)
	}
	screen.linef("%s: passed (%.0fs)", a.name(), time.Since(began).Seconds())
	return a.reach(progress.Passed)
}

// backends are those that the exercise's processes need, or all of the case's
// where all processes run.
func (a *attempt) backends() (names []string) {
	runs := map[string]bool{}
	for _, name := range a.exercise.Runs {
		runs[name] = true
	}
	for _, p := range a.topology.Processes {
		if runs[p.Name] {
			names = append(names, p.Needs...)
			delete(runs, p.Name)
		}
	}
	if len(a.exercise.Runs) == len(a.topology.Processes) {
		return append(names, a.topology.Backends...)
	}
	return names
}

// grade runs the exercise's check and reports whether it has passed; what it
// says goes straight to the terminal.
func (a *attempt) grade(ctx context.Context, place engine.Place, env []string) (passed bool, err error) {
	test := exec.CommandContext(ctx, "go", "test", "-tags=exercise", "-count=1", "-timeout=10m", "./exercises/"+a.exercise.ID)
	test.Dir = a.topology.Dir
	test.Env = append(os.Environ(), env...)
	test.Stdout, test.Stderr = os.Stdout, os.Stderr
	// The terminal's Ctrl-C reaches us, and we end it in our order.
	test.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	test.Cancel = func() error { return syscall.Kill(-test.Process.Pid, syscall.SIGTERM) }
	test.WaitDelay = 10 * time.Second
	if err := test.Start(); err != nil {
		return false, fmt.Errorf("check %s: %w", a.name(), err)
	}
	if forget, err := supervise.Adopt(place.State, "exercise", test.Process.Pid); err == nil { // else it has ended already
		defer forget()
	}
	err = test.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return false, errInterrupted
	case errors.As(err, &exit):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("check %s: %w", a.name(), err)
	}
	return true, nil
}

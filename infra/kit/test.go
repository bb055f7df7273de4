package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"designkits/infra/backend/catalog"
	"designkits/infra/check"
	"designkits/infra/control"
	"designkits/infra/engine"
	"designkits/infra/launch"
	"designkits/infra/provision"
	"designkits/infra/supervise"
	"designkits/infra/tool"
	"designkits/infra/topology"
)

func testCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "test [CASE...]",
		Short: "Run every test against real backends, started for it on free ports",
		Long: "Run every test of every module, or of the named cases (or infra, or shared), against real backends. They are\n" +
			"started for it on free ports and in a state folder of their own, so a running case isn't touched.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			place, err := o.place()
			if err != nil {
				return err
			}
			modules, cases, err := chosen(ctx, place.Root, args)
			if err != nil {
				return err
			}
			if err := check.Compiler(ctx); err != nil {
				return err
			}
			return runTests(ctx, o, place, modules, cases)
		},
	}
}

// chosen returns the named modules, or all, and the cases among them.
func chosen(ctx context.Context, root string, names []string) (modules []check.Module, cases []topology.Case, err error) {
	all, err := check.Modules(ctx, root)
	if err != nil {
		return nil, nil, err
	}
	var known []string
	for _, m := range all {
		known = append(known, m.Name())
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, nil, usagef("there is no module %q to test; there are: %s", name, strings.Join(known, ", "))
		}
	}
	for _, m := range all {
		if len(names) > 0 && !slices.Contains(names, m.Name()) {
			continue
		}
		modules = append(modules, m)
		if m.Case() {
			c, err := topology.Load(root, m.Name())
			if err != nil {
				return nil, nil, err
			}
			cases = append(cases, c)
		}
	}
	return modules, cases, nil
}

// runTests runs the static checks while the backends start, and then the tests.
func runTests(ctx context.Context, o *options, place engine.Place, modules []check.Module, cases []topology.Case) (err error) {
	screen := newScreen()
	removeOldTests(place)
	place.State = filepath.Join(place.State, fmt.Sprintf("test-%d", os.Getpid()))
	offset, releasePorts, err := launch.FreeOffset(place.State, catalog.All, cases)
	if err != nil {
		return err
	}
	defer releasePorts()
	h, err := openHost(ctx, &options{engine: o.engine, offset: offset}, place, "test")
	if err != nil {
		return err
	}
	s := &session{client: control.Dial(h.launcher.Control), own: h, screen: screen}
	defer func() {
		err = errors.Join(err, s.close(ctx))
		keepLogs(place, screen, err)
	}()

	var names []string
	for _, c := range cases {
		for _, b := range c.Backends {
			if !slices.Contains(names, b) {
				names = append(names, b)
			}
		}
	}
	backends, err := h.launcher.Backends(names)
	if err != nil {
		return err
	}
	testing, callOff := context.WithCancelCause(ctx)
	defer callOff(nil)
	checked := make(chan error, 1)
	go func() {
		err := check.Static(testing, place.Root, modules, screen.linef)
		if err != nil {
			callOff(err)
		}
		checked <- err
	}()
	err = s.hold(testing, launch.Request{Backends: names}, false, func(working context.Context, _ launch.Result) error {
		select {
		case err := <-checked:
			checked <- nil // told here
			if err != nil {
				return err
			}
		case <-working.Done():
			return errInterrupted
		}
		if err := fetchTools(working, place, cases, screen); err != nil {
			return err
		}
		return testModules(working, place, modules, h.launcher.Env(backends, "test"), screen)
	})
	callOff(nil)
	if checkErr := <-checked; checkErr != nil && (err == nil || context.Cause(testing) == checkErr) {
		return checkErr
	}
	return err
}

// fetchTools makes sure that the programs are there which the cases' tests use.
func fetchTools(ctx context.Context, place engine.Place, cases []topology.Case, s *screen) error {
	var names []string
	for _, c := range cases {
		names = append(names, c.Tools...)
	}
	slices.Sort(names)
	sources, err := tool.Sources(slices.Compact(names))
	if err != nil {
		return err
	}
	return provision.Fetch(ctx, place.Cache, sources, func(p provision.Progress) {
		if p.Finished {
			s.linef("[GOT] %s", p.Name)
		}
	})
}

// testModules runs all of them even when one fails, so that one run tells all.
func testModules(ctx context.Context, place engine.Place, modules []check.Module, env []string, s *screen) error {
	var failed []string
	for _, m := range modules {
		s.linef("go test -race %s/...", m.Path)
		adopt := func(pid int) (func(), error) { return supervise.Adopt(place.State, "go-test", pid) }
		if err := check.Test(ctx, m, env, os.Stdout, adopt); err != nil {
			if ctx.Err() != nil {
				return errInterrupted
			}
			failed = append(failed, m.Name())
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("tests failed in: %s", strings.Join(failed, ", "))
	}
	s.linef("all tests of %d modules passed", len(modules))
	return nil
}

// removeOldTests ends and removes what earlier runs have left: a killed one its
// processes, a failed one its logs.
func removeOldTests(place engine.Place) {
	folders, _ := filepath.Glob(filepath.Join(place.State, "test-*"))
	for _, folder := range folders {
		if _, err := supervise.Reap(folder); err == nil { // else it is in use
			_ = os.RemoveAll(folder)
		}
	}
}

// keepLogs removes the run's state folder; after a failure its logs stay.
func keepLogs(place engine.Place, s *screen, err error) {
	if err == nil || errors.Is(err, errInterrupted) {
		_ = os.RemoveAll(place.State)
		return
	}
	for _, folder := range []string{"data", "bin", "run", "process", "secrets"} {
		_ = os.RemoveAll(filepath.Join(place.State, folder))
	}
	if logs := filepath.Join(place.State, "logs"); folderExists(logs) {
		s.linef("the backends' logs of this run: %s", logs)
	}
}

func folderExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"designkits/infra/backend/catalog"
	"designkits/infra/check"
	"designkits/infra/engine"
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
		if len(names) > 0 && !slices.ContainsFunc(names, m.Belongs) {
			continue
		}
		modules = append(modules, m)
		name, _, _ := strings.Cut(m.Name(), "/") // a module inside a case asks what the case does
		if slices.Contains(topology.List(root), name) && !slices.ContainsFunc(cases, func(c topology.Case) bool { return c.Name == name }) {
			c, err := topology.Load(root, name)
			if err != nil {
				return nil, nil, err
			}
			cases = append(cases, c)
		}
	}
	return modules, cases, nil
}

// runTests runs the static checks while the backends start, and then the tests.
func runTests(ctx context.Context, o *options, place engine.Place, modules []check.Module, cases []topology.Case) error {
	// With trimmed paths what was compiled in one checkout, or in a copy of it, need
	// not be compiled again in another.
	if err := os.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath")); err != nil {
		return err
	}
	screen := newScreen(o)
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
	var names []string
	for _, c := range cases {
		names = append(names, c.AllBackends()...)
	}
	if slices.ContainsFunc(modules, func(m check.Module) bool { return asksAll(m, cases) }) {
		for _, b := range catalog.All {
			names = append(names, b.Name)
		}
	}
	err := withBackends(testing, o, place, screen, "test", names, func(working context.Context, place engine.Place, env []string) error {
		select {
		case err := <-checked:
			checked <- nil // told here
			if err != nil {
				return err
			}
		case <-working.Done():
			return errInterrupted
		}
		if err := fetchTools(working, place, cases, screen, moreTools(modules, cases)...); err != nil {
			return err
		}
		return testModules(working, place, modules, env, screen)
	})
	callOff(nil)
	if checkErr := <-checked; checkErr != nil && (err == nil || context.Cause(testing) == checkErr) {
		return checkErr
	}
	return err
}

// asksAll reports whether the module's tests may ask each of the backends: those
// of the kit and of shared do, and those of a case that can't run yet say of none
// that they need it, since it has no case.yaml.
func asksAll(m check.Module, cases []topology.Case) bool {
	return m.Name() == "infra" || m.Name() == "shared" || m.Case() && !slices.ContainsFunc(cases, func(c topology.Case) bool { return c.Name == m.Name() })
}

// moreTools are what tests use besides what a case.yaml asks for: the kit's own
// drive the study page in a browser, and those of a case that has no case.yaml
// yet may ask for any.
func moreTools(modules []check.Module, cases []topology.Case) []string {
	if slices.ContainsFunc(modules, func(m check.Module) bool { return asksAll(m, cases) }) {
		return tool.Names()
	}
	return nil
}

// fetchTools makes sure that the programs are there which the cases' tests use,
// and more.
func fetchTools(ctx context.Context, place engine.Place, cases []topology.Case, s *screen, more ...string) error {
	names := slices.Clone(more)
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

// testModules runs all of them even when one fails, so that one run tells all: the
// kit and what is shared first, then the cases, whose tests share the backends, and
// when those have ended, the tests that break the backends. One module at a time:
// where one builds its tests beside another that starts servers, two cores are too
// few, until what waits for something waits in vain.
func testModules(ctx context.Context, place engine.Place, modules []check.Module, env []string, s *screen) error {
	var cases, others []check.Module
	for _, m := range modules {
		if m.Case() {
			cases = append(cases, m)
		} else {
			others = append(others, m)
		}
	}
	t := tester{place: place, screen: s, failed: map[string]bool{}}
	t.run(ctx, others, check.Both, env)
	t.run(ctx, cases, check.Calm, env)
	t.run(ctx, cases, check.Faulty, env)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if len(t.failed) > 0 {
		return fmt.Errorf("tests failed in: %s", strings.Join(slices.Sorted(maps.Keys(t.failed)), ", "))
	}
	s.linef("all tests of %d modules passed", len(modules))
	return nil
}

// A tester runs modules' tests and keeps which have failed.
type tester struct {
	place  engine.Place
	screen *screen
	failed map[string]bool
}

func (t *tester) run(ctx context.Context, modules []check.Module, part check.Part, env []string) {
	for _, m := range modules {
		if ctx.Err() != nil {
			return
		}
		t.screen.linef("go test -race %s/...", m.Path)
		adopt := func(pid int) (func(), error) { return supervise.Adopt(t.place.State, "go-test-"+m.Name(), pid) }
		if err := check.Test(ctx, m, part, env, os.Stdout, adopt); err != nil {
			t.failed[m.Name()] = true
		}
	}
}

package casetest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"designkits/shared/rig"
)

// A Shared case is one for many tests of a package, for those that need nothing of
// their own but names. The first that asks starts it, and it stops after the last:
//
//	var common = casetest.Shared{Options: …}
//
//	func TestMain(m *testing.M) { leaktest.Main(common.Around(m)) }
type Shared struct {
	Options rig.Options

	start sync.Once
	c     *rig.Case
	err   error
}

// Of returns the case. Where the test fails the ends of the logs are shown, of
// other tests' doings as well.
func (s *Shared) Of(t testing.TB) *rig.Case {
	t.Helper()
	s.start.Do(func() { s.c, s.err = rig.Start(context.Background(), s.Options) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	t.Cleanup(func() { show(t, logsOf(s.c)) })
	return s.c
}

// Around returns m with the end of the case behind its tests: what doesn't stop
// fails them.
func (s *Shared) Around(m *testing.M) interface{ Run() int } { return around{m, s} }

type around struct {
	*testing.M
	s *Shared
}

// Run is M's.
func (a around) Run() int {
	code := a.M.Run()
	if a.s.c == nil {
		return code
	}
	if err := a.s.c.Stop(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "stop the case:", err)
		return max(code, 1)
	}
	return code
}

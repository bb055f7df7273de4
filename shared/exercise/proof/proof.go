// Package proof shows that a case's exercises can be trusted: the check of each
// refuses the tree as it is, takes solution.patch, and tells whoever makes the
// mistake of wrong.patch what it is.
package proof

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/shared/designdoc"
	"designkits/shared/exercise"
	"designkits/shared/exercise/grade"
	"designkits/shared/rig"
)

// checkWithin bounds one check; on a quiet machine it takes seconds.
const checkWithin = 8 * time.Minute

// A bench is what all the proofs share.
type bench struct {
	root    string // the checkout
	caseDir string // below root: "cases/shortener"
	checks  string // folder of the compiled checks

	// building is held while a variant is built: the compiler has use for all cores.
	building sync.Mutex
}

// atOnce is how many exercises are proved at a time. Most of a check is waiting, in
// which the next variant is built.
const atOnce = 4

// Prove proves all exercises of the case above the test's folder.
func Prove(t *testing.T) {
	root, err := exercise.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	all, err := exercise.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no exercises", dir)
	}
	caseDir, err := filepath.Rel(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	// With trimmed paths what was compiled of one copy of the tree serves for all.
	t.Setenv("GOFLAGS", strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath"))
	b := &bench{root: root, caseDir: caseDir, checks: t.TempDir()}
	b.compile(t, dir, all)
	var proofs errgroup.Group
	proofs.SetLimit(atOnce)
	prove := func(name string, proof func(t *testing.T)) {
		proofs.Go(func() error {
			t.Run(name, proof)
			return nil
		})
	}
	prove("untouched", func(t *testing.T) { b.untouched(t, dir, all) })
	for _, e := range slices.Backward(all) { // the later ones take longer
		prove(e.ID, func(t *testing.T) { b.prove(t, e) })
	}
	_ = proofs.Wait() // what fails has told its t
}

// compile makes a program of each check, once for all builds that it grades.
func (b *bench) compile(t *testing.T, dir string, all []exercise.Exercise) {
	t.Helper()
	compile := []string{"test", "-tags=exercise", "-c", "-o", b.checks + string(filepath.Separator)}
	for _, e := range all {
		compile = append(compile, "./exercises/"+e.ID)
	}
	for _, args := range [][]string{{"vet", "-tags=exercise", "./exercises/..."}, compile} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
}

// untouched runs every check against one build of the tree as it is.
func (b *bench) untouched(t *testing.T, dir string, all []exercise.Exercise) {
	var runs []string
	for _, e := range all {
		runs = append(runs, e.Runs...)
	}
	running := b.start(t, dir, runs)
	for _, e := range all {
		t.Run(e.ID, func(t *testing.T) {
			t.Parallel() // most of a check is waiting
			if passed, said := b.grade(t, e, running, "-test.failfast"); passed {
				t.Errorf("the check passes where nothing was done:\n%s", said)
			}
		})
	}
}

func (b *bench) prove(t *testing.T, e exercise.Exercise) {
	if err := designdoc.DeadLinks(filepath.Join(e.Dir, "README.md")); err != nil {
		t.Error(err)
	}
	if hints, err := e.Hints(); err != nil || len(hints) < 2 {
		t.Errorf("%s has %d hints, %v", e.ID, len(hints), err)
	}
	for _, section := range []string{"Goal", "Where to begin", "Out of scope", "How it is graded"} {
		if e.Section(section) == "" {
			t.Errorf("%s: the README has no section %q", e.ID, section)
		}
	}
	words, err := e.Wrong()
	if err != nil {
		t.Error(err)
	}
	t.Run("solution", func(t *testing.T) {
		if passed, said := b.grade(t, e, b.patched(t, e, exercise.Solution)); !passed {
			t.Errorf("the check refuses the solution:\n%s", said)
		}
	})
	t.Run("mistake", func(t *testing.T) {
		passed, said := b.grade(t, e, b.patched(t, e, exercise.Solution, exercise.Mistake), "-test.failfast")
		if passed {
			t.Error("the check takes the mistake")
		} else if !strings.Contains(said, words) {
			t.Errorf("the check doesn't say %q of the mistake, but:\n%s", words, said)
		}
	})
}

// patched applies patches to a copy of the tree, and builds and runs the case.
func (b *bench) patched(t *testing.T, e exercise.Exercise, patches ...string) grade.Case {
	t.Helper()
	tree := t.TempDir()
	if err := exercise.CopyTree(b.root, tree); err != nil {
		t.Fatalf("copy the tree: %v", err)
	}
	for _, patch := range patches {
		err := exercise.Apply(t.Context(), tree, filepath.Join(e.Dir, patch))
		if stale := (*exercise.Stale)(nil); errors.As(err, &stale) {
			t.Fatalf("%v\nrefresh the patch: CONTRIBUTING.md says how, under \"Add an exercise\"", err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.start(t, filepath.Join(tree, b.caseDir), e.Runs)
}

// start builds and runs a case until the test ends.
func (b *bench) start(t *testing.T, dir string, only []string) grade.Case {
	t.Helper()
	b.building.Lock()
	defer b.building.Unlock()
	c, err := rig.Start(t.Context(), rig.Options{Dir: dir, Only: only})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return grade.Of(c)
}

// grade runs an exercise's check against a running case.
func (b *bench) grade(t *testing.T, e exercise.Exercise, running grade.Case, flags ...string) (passed bool, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), checkWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(b.checks, e.ID+".test"), append(flags, "-test.count=1")...)
	cmd.Dir = e.Dir
	cmd.Env = append(os.Environ(), grade.Running+"="+running.String())
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("run the check of %s: %v, %v\n%s", e.ID, err, ctx.Err(), out)
	}
	return err == nil, string(out)
}

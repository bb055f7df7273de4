package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"

	"designkits/infra/provision"
)

// Compiler makes sure that there is a C compiler, which the race detector
// needs.
func Compiler(ctx context.Context) error {
	out, err := goCommand(ctx, ".", "env", "CC").Output()
	cc, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err == nil {
		_, err = exec.LookPath(cc)
	}
	if err != nil {
		return &provision.Missing{Kind: ErrNoCompiler, What: "there is no C compiler, which go test -race needs",
			Do: "type: sudo apt-get install -y gcc libc6-dev", Detail: err}
	}
	return nil
}

// ErrNoCompiler is the kind of a Missing.
var ErrNoCompiler = fmt.Errorf("no C compiler")

// faults is the package that a test imports to kill and pause what others use.
const faults = "designkits/shared/fault"

// linking is how tests are linked: without the data of a debugger, and by the C
// compiler's linker, which is there for the race detector. Go's own takes a third
// longer, since it looks through all code again for each thing that the detector wants
// of C.
const linking = "-ldflags=-w -linkmode=external"

// A Part is some of a module's packages.
type Part int

// The parts: packages whose tests leave the backends alone, and those that
// inject faults. What is faulty to others may not run beside them.
const (
	Calm Part = 1 << iota
	Faulty
	Both = Calm | Faulty
)

// Test runs the tests of a part of a module with the race detector: first the calm
// ones, two packages at a time, since most of a test is waiting, then the faulty,
// one after the other. What the go command says goes to out, and all that is printed
// in a package that fails. Static has vetted
// them. adopt is told of each process group and returns what to
// call once it has ended.
func Test(ctx context.Context, m Module, part Part, env []string, out io.Writer, adopt func(pid int) (func(), error)) error {
	calm, faulty, err := packages(ctx, m)
	if err != nil {
		return err
	}
	run := func(flag string, packages []string) error {
		if len(packages) == 0 {
			return nil
		}
		args := slices.Concat([]string{"test", "-race", "-count=1", "-timeout=20m", "-vet=off", linking, flag}, packages)
		cmd := goCommand(ctx, m.Dir, args...)
		cmd.Env = append(cmd.Environ(), env...)
		passed := &quiet{out: out}
		defer passed.end()
		cmd.Stdout, cmd.Stderr = passed, passed
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("go test of %s: %w", m.Name(), err)
		}
		if forget, err := adopt(cmd.Process.Pid); err == nil { // else it has ended already
			defer forget()
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("go test of %s: %w", m.Name(), err)
		}
		return nil
	}
	if part&Calm != 0 {
		err = run("-p=2", calm)
	}
	if part&Faulty != 0 && ctx.Err() == nil {
		// Where benchmarks are asked for, and be it none, the go command builds all
		// tests at once and then runs one after the other. With -p=1 it would also
		// build them so.
		err = errors.Join(err, run("-bench=^$", faulty))
	}
	return err
}

// A quiet drops what tests print in a package that passes, as the go command does
// where no benchmark is asked for. Those that run at the same time it tells
// one after the other.
type quiet struct {
	out  io.Writer
	held []byte // of the package whose end hasn't come
	line int    // where the last line of it begins
}

func (q *quiet) Write(text []byte) (int, error) {
	for _, b := range text {
		q.held = append(q.held, b)
		if b != '\n' {
			continue
		}
		line := q.held[q.line:]
		q.line = len(q.held)
		switch passed := bytes.HasPrefix(line, []byte("ok  \t")) || bytes.HasPrefix(line, []byte("?   \t")); {
		case passed:
			q.held = line
			fallthrough
		case bytes.HasPrefix(line, []byte("FAIL\t")):
			if err := q.end(); err != nil {
				return 0, err
			}
		}
	}
	return len(text), nil
}

// end writes what is held.
func (q *quiet) end() error {
	_, err := q.out.Write(q.held)
	q.held, q.line = nil, 0
	return err
}

// whole are the packages whose importers test a whole case, which takes longest.
var whole = []string{"designkits/shared/casetest", "designkits/shared/exercise/proof"}

// packages are those of a module, the calm ones in the order in which they are best
// begun: what takes longest first, so that it doesn't run on alone when all others
// have ended.
func packages(ctx context.Context, m Module) (calm, faulty []string, err error) {
	out, err := goCommand(ctx, m.Dir, "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("list the packages of %s: %w%s", m.Name(), err, stderr(err))
	}
	var long []string
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			return append(long, calm...), faulty, nil
		} else if err != nil {
			return nil, nil, fmt.Errorf("list the packages of %s: %w", m.Name(), err)
		}
		imports := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		switch {
		case slices.Contains(imports, faults):
			faulty = append(faulty, p.ImportPath)
		case slices.ContainsFunc(imports, func(path string) bool { return slices.Contains(whole, path) }):
			long = append(long, p.ImportPath)
		default:
			calm = append(calm, p.ImportPath)
		}
	}
}

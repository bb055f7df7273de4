package check

import (
	"context"
	"encoding/json"
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

// Test runs a module's tests with the race detector, their output straight to
// out: first side by side those that leave the backends alone, then one
// package after the other those that inject faults. adopt is told of each
// process group and returns what to call once it has ended.
func Test(ctx context.Context, m Module, env []string, out io.Writer, adopt func(pid int) (func(), error)) error {
	calm, faulty, err := packages(ctx, m)
	if err != nil {
		return err
	}
	run := func(flags, packages []string) error {
		if len(packages) == 0 {
			return nil
		}
		args := append([]string{"test", "-race", "-count=1", "-timeout=20m"}, append(flags, packages...)...)
		cmd := goCommand(ctx, m.Dir, args...)
		cmd.Env = append(cmd.Environ(), env...)
		cmd.Stdout, cmd.Stderr = out, out
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
	calmErr := run(nil, calm)
	if ctx.Err() != nil {
		return calmErr
	}
	if err := run([]string{"-p=1"}, faulty); err != nil {
		return err
	}
	return calmErr
}

func packages(ctx context.Context, m Module) (calm, faulty []string, err error) {
	out, err := goCommand(ctx, m.Dir, "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("list the packages of %s: %w%s", m.Name(), err, stderr(err))
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			return calm, faulty, nil
		} else if err != nil {
			return nil, nil, fmt.Errorf("list the packages of %s: %w", m.Name(), err)
		}
		if slices.Contains(slices.Concat(p.Imports, p.TestImports, p.XTestImports), faults) {
			faulty = append(faulty, p.ImportPath)
		} else {
			calm = append(calm, p.ImportPath)
		}
	}
}

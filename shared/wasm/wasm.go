// Package wasm builds Go programs for the browser. A case names them in its
// case.yaml, under wasm; the page's process hands out the files and links
// nothing of them.
package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// What Build leaves in a program's folder. Docker builds the same (infra/Dockerfile).
const (
	Program = "main.wasm"
	Loader  = "wasm_exec.js" // of the Go release that has built Program; another one's may not fit
)

// Build compiles the main package in the folder dir, of whatever module that
// is, into the folder out. When the context ends, the compiler is ended too.
func Build(ctx context.Context, dir, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("build %s for the browser: %w", dir, err)
	}
	// Names for debuggers would be half of it; a stack trace has them without.
	_, err := run(ctx, dir, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(out, Program), ".")
	if err != nil {
		return fmt.Errorf("build %s for the browser: %w", dir, err)
	}
	goroot, err := run(ctx, dir, "env", "GOROOT")
	if err != nil {
		return fmt.Errorf("find %s: %w", Loader, err)
	}
	loader, err := os.ReadFile(filepath.Join(string(bytes.TrimSpace(goroot)), "lib", "wasm", Loader))
	if err != nil {
		return fmt.Errorf("find %s, which comes with Go 1.24 and later: %w", Loader, err)
	}
	return os.WriteFile(filepath.Join(out, Loader), loader, 0o644)
}

func run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ours to end, with the compilers it starts
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, errors.Join(err, errors.New(said.String()))
	}
	return out, nil
}

package rig

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// A Program is a program of the case's module that isn't one of its processes:
// a baseline, a simulator of somebody else's service.
type Program struct {
	Addr string // where it listens

	process *process
	folder  string
	ports   ports
}

// StartProgram builds the main package ("./bench/bare", from the case's folder,
// which is dir or above it) and runs it with env and LISTEN in its environment.
// It returns once /readyz answers 200. The caller stops it.
func StartProgram(ctx context.Context, dir, pkg string, env map[string]string) (*Program, error) {
	dir, err := moduleDir(dir)
	if err != nil {
		return nil, err
	}
	p := &Program{}
	if p.Addr, err = p.ports.take(); err != nil {
		return nil, err
	}
	if p.folder, err = os.MkdirTemp("", "rig-"); err != nil {
		p.ports.release()
		return nil, err
	}
	name := filepath.Base(pkg)
	p.process = &process{name: name, path: filepath.Join(p.folder, "bin", name), env: []string{"LISTEN=" + p.Addr},
		ready: "http://" + p.Addr + "/readyz", log: filepath.Join(p.folder, name+".log")}
	for key, value := range env {
		p.process.env = append(p.process.env, key+"="+value)
	}
	if err = build(ctx, dir, p.folder, pkg); err == nil {
		if err = p.process.start(); err == nil {
			if err = p.process.await(ctx, startWithin); err == nil {
				return p, nil
			}
			err = errors.Join(err, p.Stop(context.WithoutCancel(ctx)))
		}
	}
	p.ports.release()
	return nil, errors.Join(err, os.RemoveAll(p.folder))
}

// Stop asks it to stop, and kills it if it doesn't.
func (p *Program) Stop(ctx context.Context) error {
	_ = p.process.cmd.Process.Signal(syscall.SIGTERM) // if it has ended already, that is told below
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	err := p.process.end(ctx)
	p.ports.release()
	return errors.Join(err, os.RemoveAll(p.folder))
}

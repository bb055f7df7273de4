// Package rig runs a whole case for a test, a bench or an experiment: its
// processes as case.yaml describes them, built from this checkout, behind a
// real nginx with the case's own configuration, on the real backends that the
// kit provides, in a namespace and on ports of their own.
//
// Unlike a case under `kit run` it can be had in variants, with other settings
// or with faults on the way to a backend, and as often as needed.
package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"designkits/shared/kitenv"
	"designkits/shared/wasm"
)

// Options say which case is started, and how it differs from case.yaml.
type Options struct {
	// Dir is a folder of the case's module; default the working directory.
	Dir string
	// Namespace is where the case stores; default a new one, which goes with the case.
	Namespace string
	// Env is added to every process's environment, and wins: {"BREAKER": "off"}.
	// Its values may refer to others as those of case.yaml do.
	Env map[string]string
	// EnvOf is added to that of one instance alone: {"api-2": {"CLOCK_OFFSET": "-1h"}}.
	EnvOf map[string]map[string]string
	// Via gives the processes another address for a backend: that of a link
	// with faults on it, or that of another server of the same kind.
	Via map[string]string
	// Only starts just these processes, and the edge only if Edge is set; default
	// all. Without an edge Page is the address of the first.
	Only []string
	Edge bool
}

// A Case is the case while it runs.
type Case struct {
	Page      string // "http://127.0.0.1:41234/"
	Namespace string
	// Lab is the environment that case.yaml gives the case's demo and sample data.
	Lab map[string]string

	addresses map[string]string
	processes map[string]*process
	folder    string
	ports     ports
	own       bool // the namespace is nobody else's
}

const (
	// startWithin is how long a process may take to be ready: one that makes its
	// tables, on a busy machine, takes longest.
	startWithin = 2 * time.Minute
	// stopWithin is how long a process may take to stop when it is asked to.
	stopWithin = 10 * time.Second
	// quitWithin is how long it may then take to tell what it is at.
	quitWithin = 2 * time.Second
)

// Start builds and starts the case and returns once its page can be used. A
// stream job may join later. The caller ends it with Stop; where that can't be
// called any more, the processes die with their parent.
func Start(ctx context.Context, o Options) (c *Case, err error) {
	dir, err := moduleDir(o.Dir)
	if err != nil {
		return nil, err
	}
	topology, err := read(filepath.Join(dir, "case.yaml"))
	if err != nil {
		return nil, err
	}
	own := o.Namespace == ""
	if own {
		if o.Namespace, err = kitenv.Namespace(); err != nil {
			return nil, err
		}
	}
	folder, err := os.MkdirTemp("", "rig-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(folder, 0o711); err != nil { // nginx's workers, who are not root, keep a cache below
		return nil, err
	}
	c = &Case{Namespace: o.Namespace, addresses: map[string]string{}, processes: map[string]*process{}, folder: folder, own: own}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
			c = nil
		}
	}()
	return c, c.start(ctx, dir, topology, o)
}

func (c *Case) start(ctx context.Context, dir string, topology topology, o Options) error {
	instances, err := topology.instances(o.Only)
	if err != nil {
		return err
	}
	var packages []string
	for _, in := range instances {
		packages = append(packages, "./cmd/"+in.process)
	}
	if err := build(ctx, dir, c.folder, packages...); err != nil {
		return err
	}
	names := names{namespace: c.Namespace, state: c.folder, addresses: c.addresses, via: o.Via}
	names.wasm = func(name string) (string, error) {
		out := filepath.Join(c.folder, "wasm", name)
		if _, err := os.Stat(out); err == nil {
			return out, nil
		}
		return out, wasm.Build(ctx, filepath.Join(dir, topology.WASM[name]), out)
	}
	everything, err := topology.instances(nil) // a process may name one that isn't started
	if err != nil {
		return err
	}
	for _, name := range append([]string{"nginx"}, namesOf(everything)...) {
		if c.addresses[name], err = c.ports.take(); err != nil {
			return err
		}
	}
	c.Page = "http://" + c.addresses["nginx"] + "/"
	withEdge := topology.Edge != "" && (len(o.Only) == 0 || o.Edge)
	if !withEdge {
		c.Page = "http://" + c.addresses[instances[0].name] + "/"
	}
	if c.Lab, err = names.expand(instance{process: "lab"}, topology.Lab); err != nil {
		return err
	}
	for _, in := range instances {
		settings := map[string]string{}
		maps.Copy(settings, in.env)
		maps.Copy(settings, o.Env)
		maps.Copy(settings, o.EnvOf[in.name])
		in.env = settings
		env, err := names.environment(in)
		if err != nil {
			return err
		}
		p := &process{name: in.name, path: filepath.Join(c.folder, "bin", in.process), env: env,
			ready: "http://" + c.addresses[in.name] + "/readyz", log: filepath.Join(c.folder, in.name+".log")}
		if err := p.start(); err != nil {
			return err
		}
		c.processes[in.name] = p
	}
	if withEdge {
		edge, err := startEdge(dir, topology, c.folder, c.addresses)
		if err != nil {
			return err
		}
		c.processes["edge"] = edge
	}
	for _, p := range c.processes {
		if err := p.await(ctx, startWithin); err != nil {
			return err
		}
	}
	return nil
}

// Addr is where a process listens: "api-1".
func (c *Case) Addr(name string) string { return c.addresses[name] }

// process is one that runs; to is what it is wanted for, for the error.
func (c *Case) process(to, name string) (*process, error) {
	if p := c.processes[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s %s: there is no such process", to, name)
}

// Log is the end of a process's log.
func (c *Case) Log(name string) string {
	if p := c.processes[name]; p != nil {
		return p.tail(20)
	}
	return ""
}

// Output is all that a process has written to its log.
func (c *Case) Output(name string) ([]byte, error) {
	p, err := c.process("read the log of", name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(p.log)
}

// Names are the names of what runs.
func (c *Case) Names() (names []string) {
	for name := range c.processes {
		names = append(names, name)
	}
	return names
}

// Kill ends a process as `kill -9` does, starts it again at once, and returns
// when it is ready. Name is that of an instance: "api-1", "analytics".
func (c *Case) Kill(ctx context.Context, name string) error {
	p, err := c.process("kill", name)
	if err != nil {
		return err
	}
	if err := p.kill(); err != nil {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	<-p.exited
	if err := p.start(); err != nil {
		return err
	}
	return p.await(ctx, startWithin)
}

// Lose ends a process as `kill -9` does, for good: nobody starts it again, and Stop
// doesn't miss it.
func (c *Case) Lose(name string) error {
	p, err := c.process("lose", name)
	if err != nil {
		return err
	}
	if err := p.kill(); err != nil {
		return fmt.Errorf("lose %s: %w", name, err)
	}
	<-p.exited
	delete(c.processes, name)
	return nil
}

// Restart asks a process to stop, as a deployment does, starts it again once it has
// ended well, and returns when it is ready. Its error says that it ended badly or too
// late.
func (c *Case) Restart(ctx context.Context, name string) error {
	p, err := c.process("restart", name)
	if err != nil {
		return err
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("restart %s: %w", name, err)
	}
	waiting, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if err := p.end(waiting); err != nil {
		return err
	}
	if err := p.start(); err != nil {
		return err
	}
	return p.await(ctx, startWithin)
}

// Signal sends a process a signal that it has a use for.
func (c *Case) Signal(name string, signal os.Signal) error {
	p, err := c.process(fmt.Sprintf("send %v to", signal), name)
	if err != nil {
		return err
	}
	if err := p.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("send %v to %s: %w", signal, name, err)
	}
	return nil
}

// Stop asks the processes to stop, kills those that don't, ends the case's
// stream jobs, and removes what the processes kept on disk and, from a namespace
// that Start has made, in the backends. Its error names
// those that ended badly or too late.
func (c *Case) Stop(ctx context.Context) (err error) {
	for _, p := range c.processes {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // where it has died already, that is reported below
	}
	waiting, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	for _, p := range c.processes {
		err = errors.Join(err, p.end(waiting))
	}
	c.ports.release()
	// After the processes: nothing submits a job again.
	err = errors.Join(err, cancelJobs(ctx, c.Namespace), os.RemoveAll(c.folder))
	if c.own {
		err = errors.Join(err, kitenv.Drop(ctx, c.Namespace))
	}
	return err
}

// moduleDir is the folder of case.yaml, dir or above it.
func moduleDir(dir string) (string, error) {
	start, err := filepath.Abs(cmp.Or(dir, "."))
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "case.yaml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("there is no case.yaml in or above %s", start)
		}
	}
}

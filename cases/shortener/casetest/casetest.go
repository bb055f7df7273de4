// Package casetest starts the whole case for a test: its processes as case.yaml
// describes them, built from this checkout, behind a real nginx with the
// case's own configuration, on the real backends that `kit test` provides, in
// a namespace and on ports of their own.
//
// It guarantees that nothing of it outlives the test: processes are asked to
// stop, then killed, and the stream job is cancelled. What was stored in the
// namespace is dropped by whoever runs the backends.
package casetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"designkits/shared/testenv"
)

// A Case is the case while it runs.
type Case struct {
	Page      string // "http://127.0.0.1:41234/"
	Namespace string

	processes map[string]*process
}

// stopWithin is how long a process may take to stop when it is asked to.
const stopWithin = 10 * time.Second

// Start builds and starts the case and returns once its page can be used. The
// stream job may join later. What doesn't start in time fails the test and
// shows the end of its log.
func Start(t testing.TB) *Case {
	t.Helper()
	dir := moduleDir(t)
	topology, err := read(filepath.Join(dir, "case.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	bin := build(t, dir, topology)
	edge := freePort(t)
	names := names{t: t, edge: address(edge), namespace: testenv.Namespace(t), state: t.TempDir(), ports: map[string]int{}}
	for _, p := range topology.instances() {
		names.ports[p.name] = freePort(t)
	}
	c := &Case{Page: "http://" + address(edge) + "/", Namespace: names.namespace, processes: map[string]*process{}}
	t.Cleanup(func() { cancelJob(t, c.Namespace) }) // after the processes have stopped: nothing submits it again
	t.Cleanup(func() { c.stop(t) })

	for _, in := range topology.instances() {
		env, err := names.environment(in)
		if err != nil {
			t.Fatal(err)
		}
		p := &process{name: in.name, path: filepath.Join(bin, in.process), env: env, ready: "http://" + address(names.ports[in.name]) + "/readyz",
			log: filepath.Join(names.state, in.name+".log")}
		c.processes[in.name] = p
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
	}
	c.processes["edge"] = startEdge(t, dir, topology, names, edge)
	for _, p := range c.processes {
		if err := p.await(t.Context(), 60*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Kill ends a process as `kill -9` does, starts it again at once, and returns
// when it is ready. Name is that of an instance: "api-1", "analytics".
func (c *Case) Kill(ctx context.Context, name string) error {
	p := c.processes[name]
	if p == nil {
		return fmt.Errorf("kill %s: there is no such process", name)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	<-p.exited
	if err := p.start(); err != nil {
		return err
	}
	return p.await(ctx, 30*time.Second)
}

func (c *Case) stop(t testing.TB) {
	for _, p := range c.processes {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // where it has died already, that is reported below
	}
	asked := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	for _, p := range c.processes {
		select {
		case <-p.exited:
		case <-ctx.Done():
		}
		if !p.ended() {
			t.Errorf("%s did not stop within %s", p.name, stopWithin)
			_ = p.cmd.Process.Kill()
			<-p.exited
		} else if p.failed != nil {
			t.Errorf("%s: %v", p.name, p.failed)
		}
	}
	t.Logf("the case stopped within %d ms", time.Since(asked).Milliseconds())
	if t.Failed() {
		for _, p := range c.processes {
			t.Logf("the log of %s ends:\n%s", p.name, p.tail())
		}
	}
}

// moduleDir is the folder of case.yaml, above the test's package.
func moduleDir(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "case.yaml")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no case.yaml above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}

func build(t testing.TB, dir string, topology topology) string {
	t.Helper()
	bin := t.TempDir()
	args := []string{"build", "-o", bin + string(filepath.Separator)}
	for process := range topology.Processes {
		args = append(args, "./cmd/"+process)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the case's processes: %v\n%s", err, out)
	}
	return bin
}

// freePort asks the system for a port. Another program could take it before
// the process does; then that process says so.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// cancelJob ends the namespace's stream jobs, which hold slots that the next
// test needs.
func cancelJob(t testing.TB, namespace string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	base := "http://" + testenv.Addr(t, "flink.rest")
	var overview struct {
		Jobs []struct{ JID, Name, State string }
	}
	if err := ask(ctx, http.MethodGet, base+"/jobs/overview", &overview); err != nil {
		t.Errorf("look for the test's stream job: %v", err)
		return
	}
	for _, job := range overview.Jobs {
		if !strings.HasPrefix(job.Name, namespace+".") || slices.Contains([]string{"CANCELED", "CANCELLING", "FAILED", "FINISHED"}, job.State) {
			continue
		}
		if err := ask(ctx, http.MethodPatch, base+"/jobs/"+job.JID+"?mode=cancel", nil); err != nil {
			t.Errorf("cancel the test's stream job: %v", err)
		}
	}
}

func ask(ctx context.Context, method, url string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return errors.New(res.Status)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}

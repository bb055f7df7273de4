package casetest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A process is one of the case, or its edge.
type process struct {
	name  string
	path  string
	args  []string
	env   []string
	ready string // answers 200 once the process serves
	log   string // file

	cmd    *exec.Cmd
	exited chan struct{} // closed once it has ended, after failed is set
	failed error
}

func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer log.Close() // the child has its own
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	dieWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	exited := make(chan struct{})
	p.exited = exited
	cmd := p.cmd
	go func() { // ends with the process, which stop waits for
		p.failed = cmd.Wait()
		close(exited)
	}()
	return nil
}

// await returns once the process is ready.
func (p *process) await(t testing.TB, within time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		err := ask(ctx, http.MethodGet, p.ready, nil)
		if err == nil {
			return
		}
		select {
		case <-p.exited:
			t.Fatalf("%s ended while starting: %v\n%s", p.name, p.failed, p.tail())
		case <-ctx.Done():
			t.Fatalf("%s was not ready within %s: %v\n%s", p.name, within, err, p.tail())
		case <-every.C:
		}
	}
}

// tail is the end of the process's log.
func (p *process) tail() string {
	const lines = 20
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

package rig

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
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
	// workers says that it has children, which only it can end in good order.
	workers bool

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
	signal := syscall.SIGKILL
	if p.workers {
		signal = syscall.SIGTERM
	}
	dieWithParent(p.cmd, signal)
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

// await returns once the process is ready, or why it is not.
func (p *process) await(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		err := ask(ctx, http.MethodGet, p.ready, nil)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended while starting: %w\n%s", p.name, p.failed, p.tail(20))
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready within %s: %w\n%s", p.name, within, err, p.tail(20))
		case <-every.C:
		}
	}
}

// end waits for a process that was asked to stop, and kills it when the
// context ends. Its error says that it ended badly or too late.
func (p *process) end(ctx context.Context) error {
	select {
	case <-p.exited:
	case <-ctx.Done():
	}
	if !p.ended() {
		return fmt.Errorf("%s did not stop in time and was killed; it ends with\n%s", p.name, p.quit())
	}
	if p.failed != nil {
		return fmt.Errorf("%s: %w\n%s", p.name, p.failed, p.tail(20))
	}
	return nil
}

// quit kills it, and its children, and returns what it was at: a Go process tells its
// goroutines.
func (p *process) quit() string {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
	case <-time.After(quitWithin):
	}
	_ = p.kill() // where it has ended, its children
	<-p.exited
	return p.tail(1000)
}

// kill ends it with kill -9, and its children.
func (p *process) kill() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// tail is the end of the process's log.
func (p *process) tail(lines int) string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

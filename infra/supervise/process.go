package supervise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	readyEvery   = 100 * time.Millisecond
	readyWithin  = 4 * time.Minute  // a busy machine is slow; a death is told at once anyway
	readyAttempt = 10 * time.Second // bound of one call of Spec.Ready
	grace        = 10 * time.Second // between the stop signal and SIGKILL
)

// A process is one Spec and, while it runs, its child.
type process struct {
	spec Spec
	sup  *Supervisor

	op sync.Mutex // held while it is being started or stopped

	mu      sync.Mutex
	state   State
	was     State // before a pause
	child   *child
	settled chan struct{}      // closed once the current start has succeeded or failed
	abort   context.CancelFunc // ends the current start
}

// A child is one run of a process.
type child struct {
	cmd     *exec.Cmd
	pid     int
	started time.Time
	done    chan struct{} // closed when it has ended and its group is gone
	// The rest is guarded by the process's mu, and final once done is closed.
	ended  bool
	paused bool
	wanted bool   // we asked for its end
	killed bool   // by a fault, by hand
	exit   string // "exit status 1"
}

// await begins an attempt to start, which base and stop can call off. It
// returns nil when one is under way already or the process runs.
func (p *process) await(base context.Context) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.state {
	case Waiting, Starting, Ready, Paused:
		return nil
	}
	ctx, cancel := context.WithCancel(base)
	p.state, p.abort, p.settled = Waiting, cancel, make(chan struct{})
	return ctx
}

// settle ends the attempt to start. A child that has ended meanwhile can't
// become ready, and settle reports false.
func (p *process) settle(state State) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if state == Ready && p.child.ended {
		return false
	}
	if state != Ready || p.state != Paused {
		p.state = state
	}
	p.was = state
	p.abort()
	close(p.settled)
	return true
}

// start waits for what the process needs, runs the child and waits until it is
// ready. ctx comes from await. A failure leaves no child behind.
func (p *process) start(ctx context.Context, first []*process) error {
	p.op.Lock()
	defer p.op.Unlock()
	begun := time.Now()
	err := awaitAll(ctx, first)
	if err == nil {
		err = ctx.Err() // a stop that came before this had its turn
	}
	var c *child
	if err == nil {
		begun = time.Now()
		p.setState(Starting)
		p.sup.emit(Event{Name: p.spec.Name, State: Starting, Spec: p.spec})
		c, err = p.launch(ctx)
	}
	if err == nil {
		err = p.awaitReady(ctx, c)
	}
	if err == nil && !p.settle(Ready) {
		err = fmt.Errorf("it ended as soon as it was ready: %s", c.exit)
	}
	if err == nil {
		p.sup.emit(Event{Name: p.spec.Name, State: Ready, Spec: p.spec, Pid: c.pid,
			After: time.Since(begun), RSS: p.rss(c)})
		return nil
	}

	failed := &StartError{Name: p.spec.Name, Cause: err}
	calledOff := ctx.Err() != nil
	if c != nil {
		p.end(context.WithoutCancel(ctx), c)
		failed.Log = LogPath(p.sup.state, p.spec.Name)
		if !calledOff {
			failed.Lines = lastLines(failed.Log, tailLines)
		}
	}
	if calledOff {
		p.settle(Stopped)
		return failed
	}
	p.settle(Dead)
	p.sup.emit(Event{Name: p.spec.Name, State: Dead, Spec: p.spec, After: time.Since(begun),
		Reason: err.Error(), Log: failed.Log, Lines: failed.Lines, Lasting: p.spec.Background})
	return failed
}

func awaitAll(ctx context.Context, procs []*process) error {
	for _, p := range procs {
		if err := p.awaitUp(ctx); err != nil {
			return fmt.Errorf("it needs another: %w", err)
		}
	}
	return nil
}

// launch starts the child and the goroutine that waits for it.
func (p *process) launch(ctx context.Context) (*child, error) {
	if err := CheckPorts(p.spec.Ports); err != nil {
		return nil, err
	}
	if p.spec.Prepare != nil {
		if err := p.spec.Prepare(ctx); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	log, err := openLog(p.sup.state, p.spec.Name)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(p.spec.Command[0], p.spec.Command[1:]...)
	cmd.Env = append(os.Environ(), p.spec.Env...)
	cmd.Dir = p.spec.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttr()
	if err := p.sup.spawn.start(cmd); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, pid: cmd.Process.Pid, started: time.Now(), done: make(chan struct{})}
	recordErr := writeRecord(p.sup.state, p.spec.Name, c.pid)
	p.mu.Lock()
	p.child = c
	p.mu.Unlock()
	p.sup.wg.Go(func() { p.watch(c) })
	if recordErr != nil {
		// It may have ended already, which the wait for readiness will tell.
		select {
		case <-c.done:
		case <-time.After(time.Second):
			return c, recordErr
		}
	}
	return c, nil
}

// watch waits for the child's end and reports it if nobody asked for it.
func (p *process) watch(c *child) {
	_ = c.cmd.Wait() // the state below says more than the error
	// What it has forked goes too: half a server is worse than none. Those in
	// groups of their own are nobody's children now, and must notice by themselves.
	_ = syscall.Kill(-c.pid, syscall.SIGKILL)
	removeRecord(p.sup.state, p.spec.Name)

	p.mu.Lock()
	c.ended, c.exit = true, c.cmd.ProcessState.String()
	wasUp := p.state == Ready || p.state == Paused && p.was == Ready
	if wasUp && !c.wanted {
		p.state = Dead
	}
	report := wasUp && !c.wanted
	ev := Event{Name: p.spec.Name, State: Dead, Spec: p.spec, Pid: c.pid, After: time.Since(c.started),
		Reason: c.exit, Log: LogPath(p.sup.state, p.spec.Name), Lasting: true}
	if c.killed {
		ev.Reason = "killed by hand"
	} else {
		ev.Lines = lastLines(ev.Log, tailLines)
	}
	p.mu.Unlock()
	close(c.done)
	if report {
		p.sup.emit(ev)
	}
}

// awaitReady polls until the process serves, has died, or time is up.
func (p *process) awaitReady(ctx context.Context, c *child) error {
	if p.spec.Ready == nil {
		return nil
	}
	within := p.spec.ReadyWithin
	if within == 0 {
		within = readyWithin
	}
	alive, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	// Its death ends a call of Ready that is under way.
	stop := make(chan struct{})
	defer close(stop)
	p.sup.wg.Go(func() {
		select {
		case <-c.done:
			cancel()
		case <-stop:
		}
	})
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	var last error
	for {
		attempt, end := context.WithTimeout(alive, readyAttempt)
		err := p.spec.Ready(attempt)
		end()
		if err == nil {
			return nil
		}
		if !errors.Is(err, context.Canceled) {
			last = err
		}
		select {
		case <-tick.C:
			continue
		case <-alive.Done():
		}
		select {
		case <-c.done:
			return fmt.Errorf("it ended while starting, after %.1fs: %s", time.Since(c.started).Seconds(), c.exit)
		default:
		}
		if ctx.Err() != nil {
			return fmt.Errorf("called off: %w", context.Cause(ctx))
		}
		return fmt.Errorf("it isn't ready after %s (a busy machine can be the cause; then type the same again): %w", within, last)
	}
}

// stop ends the process gracefully, and by force when ctx ends.
func (p *process) stop(ctx context.Context) {
	p.mu.Lock()
	if p.abort != nil {
		p.abort()
	}
	p.mu.Unlock()
	p.op.Lock()
	defer p.op.Unlock()
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	up := c != nil && !c.over()
	if up {
		p.setState(Stopping)
		p.end(ctx, c)
	}
	p.setState(Stopped)
	if up {
		p.sup.emit(Event{Name: p.spec.Name, State: Stopped, Spec: p.spec, Pid: c.pid, After: time.Since(c.started)})
	}
}

// end asks the child to end, gives it time, and then kills its group.
func (p *process) end(ctx context.Context, c *child) {
	p.mu.Lock()
	c.wanted = true
	paused := c.paused
	p.mu.Unlock()
	asked, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if paused { // it can't hear
		_ = p.signal(asked, c, syscall.SIGCONT)
	}
	if p.signal(asked, c, cmp.Or(p.spec.StopSignal, syscall.SIGTERM)) == nil {
		select {
		case <-c.done:
			return
		case <-asked.Done():
		}
	}
	force, cancelForce := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancelForce()
	_ = p.signal(force, c, syscall.SIGKILL)
	_ = syscall.Kill(-c.pid, syscall.SIGKILL) // the client of a container, too
	<-c.done
}

// signal reaches the child's whole group, or what the engine says it is. A
// freeze, a thaw and a kill reach its descendants in other groups as well; to
// end those when the child is asked to end is the child's own affair.
func (p *process) signal(ctx context.Context, c *child, sig syscall.Signal) error {
	if p.spec.Signal != nil {
		return p.spec.Signal(ctx, sig)
	}
	switch sig {
	case syscall.SIGSTOP, syscall.SIGKILL:
		// What is frozen forks no more, and is still its children's parent.
		_ = syscall.Kill(-c.pid, syscall.SIGSTOP)
		fallthrough
	case syscall.SIGCONT:
		if members, err := familyOf(c.pid); err == nil {
			for _, m := range members {
				if m.group != c.pid {
					_ = syscall.Kill(m.pid, sig)
				}
			}
		}
	}
	if err := syscall.Kill(-c.pid, sig); err != nil {
		return fmt.Errorf("send %s to %s (pid %d): %w", sig, p.spec.Name, c.pid, err)
	}
	return nil
}

func (p *process) setState(s State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
}

// over reports whether the child has ended.
func (c *child) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// rss adds up what the child and its descendants have in memory, in bytes. What
// they may share counts once, as the most that one of them has. It is 0 where
// the child is only a server's client and the server isn't ours.
func (p *process) rss(c *child) int64 {
	if p.spec.Signal != nil {
		return 0
	}
	members, err := familyOf(c.pid)
	if err != nil {
		return 0
	}
	var own, shared int64
	for _, m := range members {
		s := min(sharedOf(m.pid), m.rss)
		own += m.rss - s
		shared = max(shared, s)
	}
	return own + shared
}

package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A Supervisor runs processes. It is safe for concurrent use. What dies is
// reported and stays dead until Restart.
type Supervisor struct {
	state   string
	observe func(Event)
	telling sync.Mutex // the observer is told of one event at a time
	lock    *os.File
	spawn   *spawner
	reaped  []string

	ctx    context.Context // ends starts in the background
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	procs []*process
}

// Open takes the state folder, ends what a killed supervisor has left running
// of it, and returns a Supervisor without processes. When another one holds
// the folder the error is a *Busy.
//
// observe is told of every change, one at a time; it must not call the
// Supervisor.
func Open(state string, observe func(Event)) (*Supervisor, error) {
	lock, err := lockState(state)
	if err != nil {
		return nil, err
	}
	reaped, err := reap(state)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &Supervisor{state: state, observe: observe, lock: lock, reaped: reaped, spawn: newSpawner()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Reaped names what Open has ended.
func (s *Supervisor) Reaped() []string { return s.reaped }

// Close stops all that runs, at once when ctx ends, and lets go of the folder.
// Nothing may be called afterwards.
func (s *Supervisor) Close(ctx context.Context) error {
	s.cancel()
	err := s.Stop(ctx)
	s.wg.Wait()
	s.spawn.close()
	return errors.Join(err, s.lock.Close())
}

// Start adds the processes and returns when all are ready that aren't in the
// background. If one of them fails, the failure that came first is returned at once
// after what this call has started was stopped again. A name that is running
// already is an error; one that has ended is replaced.
func (s *Supervisor) Start(ctx context.Context, specs ...Spec) error {
	procs, err := s.add(specs)
	if err != nil {
		return err
	}
	all, err := s.resolve()
	if err != nil {
		return err
	}
	return s.bringUp(ctx, procs, all)
}

func (s *Supervisor) add(specs []Spec) ([]*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.procs)
	var added []*process
	for _, spec := range specs {
		if len(spec.Command) == 0 {
			return nil, fmt.Errorf("start %s: it has no command", spec.Name)
		}
		p := &process{spec: spec, sup: s, state: Stopped}
		if i := slices.IndexFunc(all, func(q *process) bool { return q.spec.Name == spec.Name }); i < 0 {
			all = append(all, p)
		} else if state := all[i].current(); state == Stopped || state == Dead {
			all[i] = p
		} else {
			return nil, fmt.Errorf("start %s: it is %s already", spec.Name, state)
		}
		added = append(added, p)
	}
	if err := checkNeeds(all); err != nil {
		return nil, err
	}
	s.procs = all
	return added, nil
}

// bringUp starts the processes, each as soon as what it needs among the others
// is ready.
func (s *Supervisor) bringUp(ctx context.Context, procs, others []*process) error {
	starting, callOff := context.WithCancel(ctx)
	defer callOff()
	errs := make(chan error, len(procs))
	waited := 0
	attempts := map[*process]context.Context{}
	for _, p := range procs { // all wait before any starts: who needs one finds it waiting
		base := starting
		if p.spec.Background {
			base = s.ctx
		} else {
			waited++
		}
		attempts[p] = p.await(base)
	}
	for _, p := range procs {
		attempt := attempts[p]
		s.wg.Go(func() {
			var err error
			if attempt == nil {
				err = p.awaitUp(starting)
			} else {
				err = p.start(attempt, needs(p, others))
			}
			if !p.spec.Background {
				errs <- err
			}
		})
	}
	var first error
	for range waited {
		err := <-errs
		if err == nil {
			continue
		}
		callOff()
		if first == nil || consequence(first) && !consequence(err) {
			first = err
		}
	}
	if first != nil {
		s.stopAll(context.WithoutCancel(ctx), procs)
	}
	return first
}

// consequence reports whether a process didn't start because of another, which may
// come to tell of it later.
func consequence(err error) bool {
	var other *NotRunning
	return errors.As(err, &other) || errors.Is(err, context.Canceled)
}

// awaitUp waits for the end of a start that is under way.
func (p *process) awaitUp(ctx context.Context) error {
	p.mu.Lock()
	settled := p.settled
	p.mu.Unlock()
	if settled != nil {
		select {
		case <-settled:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", p.spec.Name, context.Cause(ctx))
		}
	}
	if state := p.current(); state != Ready && state != Paused {
		return &NotRunning{Name: p.spec.Name, State: state}
	}
	return nil
}

// Stop ends the named processes, or all without a name, each after those that
// need it: with its stop signal, after ten seconds or when ctx ends with SIGKILL.
func (s *Supervisor) Stop(ctx context.Context, names ...string) error {
	procs, err := s.resolve(names...)
	if err != nil {
		return err
	}
	s.stopAll(ctx, procs)
	return nil
}

func (s *Supervisor) stopAll(ctx context.Context, procs []*process) {
	stopped := map[*process]chan struct{}{}
	for _, p := range procs {
		stopped[p] = make(chan struct{})
	}
	var wg sync.WaitGroup
	for _, p := range procs {
		wg.Go(func() {
			defer close(stopped[p])
			for _, q := range procs {
				if slices.Contains(needs(q, procs), p) {
					<-stopped[q]
				}
			}
			p.stop(ctx)
		})
	}
	wg.Wait()
}

// Restart stops what runs of the named ones and starts them again, whether or
// not what they need is up: bearing that is their own affair.
func (s *Supervisor) Restart(ctx context.Context, names ...string) error {
	procs, err := s.resolve(names...)
	if err != nil {
		return err
	}
	s.stopAll(ctx, procs)
	return s.bringUp(ctx, procs, procs)
}

// Kill ends the named process or group with SIGKILL and waits until it is gone.
func (s *Supervisor) Kill(ctx context.Context, name string) error {
	return s.fault(name, func(p *process, c *child) error {
		p.mu.Lock()
		c.killed = true
		p.mu.Unlock()
		if err := p.signal(ctx, c, syscall.SIGKILL); err != nil {
			return err
		}
		select {
		case <-c.done:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("kill %s (pid %d): %w", p.spec.Name, c.pid, context.Cause(ctx))
		}
	})
}

// Pause freezes the named process or group: it keeps its connections and
// answers nothing.
func (s *Supervisor) Pause(ctx context.Context, name string) error {
	return s.fault(name, func(p *process, c *child) error {
		if err := p.signal(ctx, c, syscall.SIGSTOP); err != nil {
			return err
		}
		p.mu.Lock()
		c.paused = true
		if p.state != Paused {
			p.was, p.state = p.state, Paused
		}
		p.mu.Unlock()
		s.emit(Event{Name: p.spec.Name, State: Paused, Spec: p.spec, Pid: c.pid})
		return nil
	})
}

// Resume lets a paused one go on.
func (s *Supervisor) Resume(ctx context.Context, name string) error {
	return s.fault(name, func(p *process, c *child) error {
		if err := p.signal(ctx, c, syscall.SIGCONT); err != nil {
			return err
		}
		p.mu.Lock()
		c.paused = false
		resumed := p.state == Paused
		if resumed {
			p.state = p.was
		}
		p.mu.Unlock()
		if resumed {
			s.emit(Event{Name: p.spec.Name, State: Ready, Spec: p.spec, Pid: c.pid, RSS: p.rss(c)})
		}
		return nil
	})
}

// fault applies do to every live child of the name; there must be one.
func (s *Supervisor) fault(name string, do func(*process, *child) error) error {
	procs, err := s.resolve(name)
	if err != nil {
		return err
	}
	live := 0
	for _, p := range procs {
		p.mu.Lock()
		c := p.child
		p.mu.Unlock()
		if c == nil || c.over() {
			continue
		}
		live++
		if err := do(p, c); err != nil {
			return err
		}
	}
	if live == 0 {
		return &NotRunning{Name: name, State: procs[0].current()}
	}
	return nil
}

// Abandon kills everything at once, for someone who doesn't want to wait.
func (s *Supervisor) Abandon() {
	s.cancel()
	procs, _ := s.resolve()
	for _, p := range procs {
		p.mu.Lock()
		c := p.child
		p.mu.Unlock()
		if c != nil && !c.over() {
			p.mu.Lock()
			c.wanted = true
			p.mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_ = p.signal(ctx, c, syscall.SIGKILL)
			cancel()
			_ = syscall.Kill(-c.pid, syscall.SIGKILL)
		}
	}
}

// Status tells of all processes in the order in which they were added.
func (s *Supervisor) Status() []Status {
	procs, _ := s.resolve()
	list := make([]Status, 0, len(procs))
	for _, p := range procs {
		p.mu.Lock()
		st := Status{Name: p.spec.Name, Kind: p.spec.Kind, State: p.state, Address: p.spec.Address,
			Log: LogPath(s.state, p.spec.Name)}
		c := p.child
		p.mu.Unlock()
		if c != nil && !c.over() {
			st.Pid, st.RSS, st.Uptime = c.pid, p.rss(c), time.Since(c.started)
		}
		list = append(list, st)
	}
	return list
}

func (p *process) current() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

func (s *Supervisor) emit(e Event) {
	if s.observe == nil {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	s.observe(e)
}

package launch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"designkits/infra/backend"
	"designkits/infra/engine"
	"designkits/infra/provision"
	"designkits/infra/supervise"
	"designkits/infra/topology"
)

// A Request asks for backends, for a case with its backends and processes, or
// for both.
type Request struct {
	Backends []string `json:"backends,omitempty"`
	Case     string   `json:"case,omitempty"`
	// Choices name the variant of the case, by choice: {"store": "dynamodb"}.
	Choices map[string]string `json:"choices,omitempty"`
	// Namespace prefixes all that the case stores; empty means the case's own,
	// which is another one for each variant.
	Namespace string `json:"namespace,omitempty"`
	// All waits for every backend, also for those that the page does without.
	All bool `json:"all,omitempty"`
}

// A Result is what a Request has led to.
type Result struct {
	// Started names what this request has started, in start order; what ran
	// already isn't in it.
	Started   []string `json:"started"`
	Page      string   `json:"page,omitempty"`
	Namespace string   `json:"namespace,omitempty"`
	// Env is the environment for the case's demo and sample data: the backends as
	// KIT_..., and what case.yaml says.
	Env []string `json:"env,omitempty"`
	// Fresh says that the case's data folder holds no sample data yet.
	Fresh bool `json:"fresh,omitempty"`
}

// A CaseRuns is a case that runs already in another namespace.
type CaseRuns struct{ Case, Namespace string }

func (e *CaseRuns) Error() string {
	return fmt.Sprintf("%s runs already in this checkout (namespace %s): `kit down %s` stops it", e.Case, e.Namespace, e.Case)
}

// Launch brings up what is asked for and returns once it is ready, except for
// backends that no process needs and the page doesn't refer to: those join in
// the background. On an error nothing that it has started is left running.
// One Launch runs at a time; others wait for their turn.
func (l *Launcher) Launch(ctx context.Context, r Request) (Result, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
	p, err := l.plan(r)
	if err != nil {
		return Result{}, explain(err)
	}
	result, err := l.carryOut(ctx, p)
	if err != nil {
		l.stopStarted(context.WithoutCancel(ctx), result.Started)
	}
	return result, explain(err)
}

// explain says what to do about a full disk, whoever has run into it.
func explain(err error) error {
	var said *provision.Missing
	if errors.As(err, &said) || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return &provision.Missing{Kind: provision.ErrDiskFull, What: "the disk is full",
		Do: "free about 2 GB (`df -h` shows where; `kit reset` removes what the backends have stored), then type the same command again", Detail: err}
}

// A plan is what a Request comes down to.
type plan struct {
	request   Request
	backends  []backend.Backend // all it needs
	missing   []backend.Backend // those that don't run yet
	later     []string          // names of those that start after the processes
	topo      topology.Case
	world     topology.World
	instances []topology.Instance // that don't run yet
	edge      string              // the edge's configuration
}

func (l *Launcher) plan(r Request) (plan, error) {
	p := plan{request: r}
	names := slices.Clone(r.Backends)
	if r.Case != "" {
		c, err := topology.Load(l.Root, r.Case)
		if err != nil {
			return p, err
		}
		if c, err = c.With(r.Choices); err != nil {
			return p, err
		}
		if p.request.Namespace == "" {
			p.request.Namespace = c.Namespace
		}
		if running := l.namespaceOf(c.Name); running != "" && running != p.request.Namespace {
			return p, &CaseRuns{Case: c.Name, Namespace: running}
		}
		p.topo = c
		if p.world, err = l.world(c, p.request.Namespace); err != nil {
			return p, err
		}
		all, err := c.Resolve(p.world)
		if err != nil {
			return p, err
		}
		if c.Edge != "" {
			if p.edge, err = c.EdgeConfig(p.world, all); err != nil {
				return p, err
			}
		}
		for _, i := range all {
			if !l.runs(c.Name + "/" + i.Name) {
				p.instances = append(p.instances, i)
			}
		}
		for _, b := range c.Backends {
			if !slices.Contains(names, b) {
				names = append(names, b)
			}
			if !slices.Contains(r.Backends, b) && !required(c, b) {
				p.later = append(p.later, b)
			}
		}
	}
	var err error
	if p.backends, err = l.Backends(names); err != nil {
		return p, err
	}
	for _, b := range p.backends {
		if !l.runs(b.Name) {
			p.missing = append(p.missing, b)
		}
	}
	return p, nil
}

// required reports whether the page works only with this backend.
func required(c topology.Case, backend string) bool {
	if topology.Refers(c.Page, backend) {
		return true
	}
	return slices.ContainsFunc(c.Processes, func(p topology.Process) bool { return slices.Contains(p.Needs, backend) })
}

func (l *Launcher) carryOut(ctx context.Context, p plan) (Result, error) {
	result := Result{Namespace: p.request.Namespace}
	if len(p.missing) > 0 {
		text, err := budget(p.missing, MemoryFree())
		if err != nil {
			return result, err
		}
		l.tell(Event{Kind: Note, Reason: text})
	}
	// Each start looks at its ports again; but nobody should wait for downloads
	// and servers to be told then.
	if err := supervise.CheckPorts(l.ports(p)); err != nil {
		return result, err
	}

	// Downloads and server starts on one side, compilation on the other.
	work, callOff := context.WithCancelCause(ctx)
	defer callOff(nil)
	progress, stopPulse := startPulse(l.progress)
	defer stopPulse()
	built := make(chan error, 1)
	go func() {
		var err error
		if len(p.instances) > 0 {
			err = l.Engine.Build(work, p.topo, progress.report)
		}
		if err != nil {
			callOff(err)
		}
		built <- err
	}()
	later, err := l.startBackends(work, p, progress.report, &result)
	if err != nil {
		callOff(err)
	}
	if buildErr := <-built; err == nil || buildErr != nil && context.Cause(work) == buildErr {
		err = buildErr
	}
	if err != nil {
		return result, err
	}
	if err := l.startProcesses(ctx, p, &result); err != nil {
		return result, err
	}
	// Last of all: while the page comes up they would only take its cores.
	if err := l.begin(ctx, later, &result); err != nil {
		return result, err
	}
	if p.request.Case == "" {
		return result, nil
	}
	l.mu.Lock()
	l.cases[p.topo.Name] = placed{p.topo, p.request.Namespace}
	l.mu.Unlock()
	lab, err := p.topo.LabEnv(p.world)
	if err != nil {
		return result, err
	}
	result.Env = append(l.Env(p.backends, p.request.Namespace), lab...)
	result.Fresh = !l.seeded(p.topo)
	result.Page, err = p.topo.PageAddress(p.world)
	return result, err
}

// ports are those that the plan needs.
func (l *Launcher) ports(p plan) (ports []int) {
	for _, b := range p.missing {
		for _, port := range l.Site(b).Ports {
			ports = append(ports, port)
		}
	}
	for _, i := range p.instances {
		ports = append(ports, i.Port)
	}
	slices.Sort(ports)
	return ports
}

// startBackends fetches what is missing, starts what is waited for, and returns
// what is to join later.
func (l *Launcher) startBackends(ctx context.Context, p plan, report engine.Report, result *Result) (later []supervise.Spec, err error) {
	if err := l.Engine.Fetch(ctx, p.missing, report); err != nil {
		return nil, err
	}
	changed, err := l.writeEdge(p)
	if err != nil {
		return nil, err
	}
	if changed && l.runs(edgeBackend) {
		if err := l.sup.Restart(ctx, edgeBackend); err != nil {
			return nil, err
		}
	}
	var first []supervise.Spec
	for _, b := range p.missing {
		site := l.Site(b)
		site.Edge = p.topo.Name
		units, err := l.Engine.Backend(b, site)
		if err != nil {
			return nil, err
		}
		l.group(b.Name, site.Addr(b.Ports[0].Name), units)
		for _, unit := range units {
			switch {
			case l.runs(unit.Name): // a server of several processes, some of them dead
			case slices.Contains(p.later, b.Name):
				unit.Background = !p.request.All
				later = append(later, unit)
			default:
				first = append(first, unit)
			}
		}
	}
	return later, l.begin(ctx, first, result)
}

// begin starts processes and notes that they are this request's.
func (l *Launcher) begin(ctx context.Context, specs []supervise.Spec, result *Result) error {
	for _, spec := range specs {
		result.Started = append(result.Started, spec.Name)
	}
	return l.sup.Start(ctx, specs...)
}

func (l *Launcher) startProcesses(ctx context.Context, p plan, result *Result) error {
	var specs []supervise.Spec
	for _, i := range p.instances {
		spec, err := l.Engine.Process(p.topo, i)
		if err != nil {
			return err
		}
		specs = append(specs, spec)
	}
	return l.begin(ctx, specs, result)
}

// Release stops what a request has started, and nothing else. drop also removes
// what the case has stored in the request's namespace, once its processes have
// stopped and while the backends still run.
func (l *Launcher) Release(ctx context.Context, r Request, started Result, drop bool) error {
	var failed error
	if r.Case != "" && drop {
		l.stopStarted(ctx, slices.DeleteFunc(slices.Clone(started.Started), func(name string) bool {
			return !strings.HasPrefix(name, r.Case+"/")
		}))
		failed = l.Drop(ctx, r.Case, started.Namespace)
	}
	l.stopStarted(ctx, started.Started)
	return failed
}

func (l *Launcher) stopStarted(ctx context.Context, names []string) {
	if names = l.known(names); len(names) > 0 { // no names would mean everything
		_ = l.Stop(ctx, names...) // they are known, so there is no error
	}
}

// Stop ends the named backends, cases or processes, or everything.
func (l *Launcher) Stop(ctx context.Context, names ...string) error {
	err := l.sup.Stop(ctx, names...)
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.cases {
		if !l.anyRuns(c) {
			delete(l.cases, c)
		}
	}
	return err
}

func (l *Launcher) progress(p provision.Progress) {
	l.tell(Event{Kind: Fetching, Name: p.Name, Fetch: &p})
}

func (l *Launcher) namespaceOf(c string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cases[c].namespace
}

// known leaves out names that the supervisor has never got to.
func (l *Launcher) known(names []string) []string {
	status := l.sup.Status()
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(status, func(s supervise.Status) bool { return s.Name == name })
	})
}

// runs reports whether all processes of a name run.
func (l *Launcher) runs(name string) bool {
	found := false
	for _, s := range l.sup.Status() {
		if s.Name == name || strings.HasPrefix(s.Name, name+"/") {
			if s.State == supervise.Stopped || s.State == supervise.Dead {
				return false
			}
			found = true
		}
	}
	return found
}

func (l *Launcher) anyRuns(name string) bool {
	return slices.ContainsFunc(l.sup.Status(), func(s supervise.Status) bool {
		return strings.HasPrefix(s.Name, name+"/") && s.State != supervise.Stopped && s.State != supervise.Dead
	})
}

// Package launch brings backends and cases up: it plans ports and folders,
// fetches and builds side by side, starts things in their order, and tells
// whoever listens.
//
// One Launcher has one state folder, one supervisor and one engine. It doesn't
// know who asks for a start; control does.
package launch

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"designkits/infra/backend"
	"designkits/infra/engine"
	"designkits/infra/supervise"
	"designkits/infra/topology"
)

// A Launcher starts what is asked for in one state folder.
type Launcher struct {
	engine.Place
	Engine  engine.Engine
	Offset  int // added to every port
	Catalog []backend.Backend
	// Control is the control socket's path, handed to tests and demos.
	Control string

	sup  *supervise.Supervisor
	turn chan struct{} // held by the one Launch under way

	mu        sync.Mutex
	listeners map[chan Event]bool
	groups    map[string]*group
	cases     map[string]placed // those that run
}

// placed is a case as it runs: in which variant, and where it stores.
type placed struct {
	topology.Case
	namespace string
}

// A group is a backend with its processes, which get one line together.
type group struct {
	units   []string
	begun   time.Time
	ready   map[string]int64 // the RSS of those that are ready
	address string
}

// Open takes the state folder and ends what an earlier kit has left running.
func Open(place engine.Place, eng engine.Engine, offset int, catalog []backend.Backend) (*Launcher, error) {
	l := &Launcher{
		Place: place, Engine: eng, Offset: offset, Catalog: catalog,
		turn: make(chan struct{}, 1), listeners: map[chan Event]bool{},
		groups: map[string]*group{}, cases: map[string]placed{},
	}
	sup, err := supervise.Open(place.State, l.observe)
	if err != nil {
		return nil, err
	}
	l.sup = sup
	return l, nil
}

// Supervisor is where faults and stops go.
func (l *Launcher) Supervisor() *supervise.Supervisor { return l.sup }

// Close stops everything, at once when ctx ends.
func (l *Launcher) Close(ctx context.Context) error { return l.sup.Close(ctx) }

// Listen returns a channel that gets every event until stop is called. A
// listener that is 1000 events behind misses the rest.
func (l *Launcher) Listen() (events <-chan Event, stop func()) {
	ch := make(chan Event, 1000)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listeners[ch] = true
	return ch, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.listeners[ch] {
			delete(l.listeners, ch)
			close(ch)
		}
	}
}

func (l *Launcher) tell(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ch := range l.listeners {
		select {
		case ch <- e:
		default:
		}
	}
}

// Site is where the backend lives in this state folder.
func (l *Launcher) Site(b backend.Backend) backend.Site {
	site := backend.Site{Ports: map[string]int{}, Data: filepath.Join(l.State, "data", b.Name), Cache: l.Cache}
	for _, p := range b.Ports {
		site.Ports[p.Name] = p.Number + l.Offset
	}
	return site
}

// Backends returns the named backends, or an UnknownBackend.
func (l *Launcher) Backends(names []string) ([]backend.Backend, error) {
	var found []backend.Backend
	for _, name := range names {
		i := slices.IndexFunc(l.Catalog, func(b backend.Backend) bool { return b.Name == name })
		if i < 0 {
			return nil, &UnknownBackend{Name: name, Known: l.names()}
		}
		found = append(found, l.Catalog[i])
	}
	return found, nil
}

func (l *Launcher) names() []string {
	var names []string
	for _, b := range l.Catalog {
		names = append(names, b.Name)
	}
	return names
}

// An UnknownBackend is a name that the catalog doesn't have.
type UnknownBackend struct {
	Name  string
	Known []string
}

func (e *UnknownBackend) Error() string {
	return fmt.Sprintf("there is no backend %q; there are: %s", e.Name, strings.Join(e.Known, ", "))
}

// world is what a case's references point to.
func (l *Launcher) world(c topology.Case, namespace string) (topology.World, error) {
	backends, err := l.Backends(c.Backends)
	if err != nil {
		return topology.World{}, fmt.Errorf("%s: backends: %w", filepath.Join(c.Dir, "case.yaml"), err)
	}
	w := topology.World{State: l.State, Offset: l.Offset, Namespace: namespace,
		Sites: map[string]backend.Site{}, First: map[string]string{}}
	for _, b := range backends {
		w.Sites[b.Name] = l.Site(b)
		w.First[b.Name] = b.Ports[0].Name
	}
	return w, nil
}

// Env is what tests, demos and experiments find the backends by.
func (l *Launcher) Env(backends []backend.Backend, namespace string) []string {
	env := []string{"KIT_NAMESPACE=" + namespace, "KIT_CONTROL=" + l.Control, "KIT_PROGRAMS=" + filepath.Join(l.State, "programs")}
	for _, b := range backends {
		site := l.Site(b)
		name := "KIT_" + strings.ToUpper(b.Name)
		env = append(env, name+"="+site.Addr(b.Ports[0].Name), name+"_DATA="+site.Data)
		for _, p := range b.Ports {
			env = append(env, name+"_"+strings.ToUpper(p.Name)+"="+site.Addr(p.Name))
		}
	}
	return env
}

// observe turns the supervisor's events into lines, one a backend.
func (l *Launcher) observe(e supervise.Event) {
	name := e.Name
	if e.Spec.Kind == "backend" {
		name, _, _ = strings.Cut(e.Name, "/")
	}
	switch e.State {
	case supervise.Starting:
		l.began(name)
	case supervise.Ready:
		if e.After == 0 {
			l.tell(Event{Kind: Resumed, Name: e.Name})
			return
		}
		if up, ok := l.cameUp(name, e); ok {
			l.tell(up)
		}
	case supervise.Paused:
		l.tell(Event{Kind: Paused, Name: e.Name})
	case supervise.Stopped:
		l.went(name, e.Name)
		l.tell(Event{Kind: Stopped, Name: e.Name, Seconds: e.After.Seconds()})
	case supervise.Dead:
		l.went(name, e.Name)
		l.tell(Event{Kind: Down, Name: e.Name, Seconds: e.After.Seconds(), Reason: e.Reason, Log: e.Log, Lines: e.Lines, Lasting: e.Lasting})
	}
}

// group makes the units of a backend share a line.
func (l *Launcher) group(name, address string, units []supervise.Spec) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[name]
	if g == nil {
		g = &group{ready: map[string]int64{}}
		l.groups[name] = g
	}
	g.address, g.units = address, nil
	for _, u := range units {
		g.units = append(g.units, u.Name)
	}
}

func (l *Launcher) began(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[name]; g != nil && len(g.ready) == 0 && g.begun.IsZero() {
		g.begun = time.Now()
	}
}

func (l *Launcher) went(name, unit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[name]; g != nil {
		delete(g.ready, unit)
		g.begun = time.Time{}
	}
}

// cameUp notes that a process is ready, and returns the line of its backend
// once all of the backend's are.
func (l *Launcher) cameUp(name string, e supervise.Event) (Event, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[name]
	if g == nil {
		return Event{Kind: Up, Name: e.Name, Address: e.Spec.Address, Seconds: e.After.Seconds(), RSS: e.RSS}, true
	}
	g.ready[e.Name] = e.RSS
	if len(g.ready) < len(g.units) {
		return Event{}, false
	}
	up := Event{Kind: Up, Name: name, Address: g.address, Seconds: e.After.Seconds()}
	if !g.begun.IsZero() {
		up.Seconds = time.Since(g.begun).Seconds()
	}
	for _, rss := range g.ready {
		up.RSS += rss
	}
	return up, true
}

package supervise

import (
	"fmt"
	"slices"
	"strings"
)

// matches reports whether a process answers to a name: its own, or that of the
// group before a slash in it.
func matches(process, name string) bool {
	return process == name || strings.HasPrefix(process, name+"/")
}

// resolve returns the processes that the names mean, in the order in which
// they were added; no names mean all.
func (s *Supervisor) resolve(names ...string) ([]*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(names) == 0 {
		return slices.Clone(s.procs), nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(s.procs, func(p *process) bool { return matches(p.spec.Name, name) }) {
			return nil, &UnknownName{Name: name, Known: s.known()}
		}
	}
	var found []*process
	for _, p := range s.procs {
		if slices.ContainsFunc(names, func(name string) bool { return matches(p.spec.Name, name) }) {
			found = append(found, p)
		}
	}
	return found, nil
}

// known lists processes and groups; the caller holds mu.
func (s *Supervisor) known() []string {
	var names []string
	for _, p := range s.procs {
		if group, _, ok := strings.Cut(p.spec.Name, "/"); ok && !slices.Contains(names, group) {
			names = append(names, group)
		}
		names = append(names, p.spec.Name)
	}
	slices.Sort(names)
	return names
}

// needs returns those of set that p needs, itself excepted.
func needs(p *process, set []*process) []*process {
	var found []*process
	for _, q := range set {
		if q != p && slices.ContainsFunc(p.spec.Needs, func(need string) bool { return matches(q.spec.Name, need) }) {
			found = append(found, q)
		}
	}
	return found
}

// checkNeeds refuses a need that nobody answers to, and circles.
func checkNeeds(procs []*process) error {
	const visiting, visited = 1, 2
	mark := map[*process]int{}
	var visit func(p *process, path []string) error
	visit = func(p *process, path []string) error {
		path = append(path, p.spec.Name)
		switch mark[p] {
		case visited:
			return nil
		case visiting:
			return fmt.Errorf("start: a circle of needs: %s", strings.Join(path, " → "))
		}
		mark[p] = visiting
		for _, need := range p.spec.Needs {
			if !slices.ContainsFunc(procs, func(q *process) bool { return matches(q.spec.Name, need) }) {
				return fmt.Errorf("start %s: it needs %q, which isn't running here", p.spec.Name, need)
			}
		}
		for _, q := range needs(p, procs) {
			if err := visit(q, path); err != nil {
				return err
			}
		}
		mark[p] = visited
		return nil
	}
	for _, p := range procs {
		if err := visit(p, nil); err != nil {
			return err
		}
	}
	return nil
}

package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"designkits/infra/backend"
)

// edgeBackend is the backend that serves a case's edge.
const edgeBackend = "nginx"

// writeEdge puts the case's edge where nginx includes it from, takes away those
// of cases that don't run any more, and reports whether anything has changed.
func (l *Launcher) writeEdge(p plan) (bool, error) {
	i := slices.IndexFunc(p.backends, func(b backend.Backend) bool { return b.Name == edgeBackend })
	if p.edge == "" || i < 0 {
		return false, nil
	}
	folder := l.Site(p.backends[i]).Path("conf.d")
	fail := func(err error) (bool, error) { return false, fmt.Errorf("edge of %s: %w", p.topo.Name, err) }
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fail(err)
	}
	changed := false
	others, err := filepath.Glob(filepath.Join(folder, "*.conf"))
	if err != nil {
		return fail(err)
	}
	for _, other := range others {
		name := strings.TrimSuffix(filepath.Base(other), ".conf")
		if name == p.topo.Name || l.anyRuns(name) {
			continue
		}
		if err := os.Remove(other); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fail(err)
		}
		changed = true
	}
	path := filepath.Join(folder, p.topo.Name+".conf")
	if old, err := os.ReadFile(path); err == nil && string(old) == p.edge {
		return changed, nil
	}
	if err := os.WriteFile(path, []byte(p.edge), 0o644); err != nil {
		return fail(err)
	}
	return true, nil
}

package topology

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reference is ${name}: a backend ("redis", its first port), a port of one
// ("flink.sql"), a backend's folder ("flink.data"), a process ("api-1"),
// "secret.X", "namespace", "study" (the study page's origin), and inside a process "instance", "listen", "state"
// and "wasm.X" (the folder with what is built for the browser).
var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// Refers reports whether text refers to a backend, by any of its ports or its
// folder.
func Refers(text, backend string) bool {
	for _, m := range reference.FindAllStringSubmatch(text, -1) {
		if m[1] == backend || strings.HasPrefix(m[1], backend+".") {
			return true
		}
	}
	return false
}

// expand replaces every reference by what lookup says.
func expand(text string, lookup func(string) (string, error)) (string, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(text, func(ref string) string {
		value, err := lookup(ref[2 : len(ref)-1])
		if err != nil && failed == nil {
			failed = err
		}
		return value
	})
	return out, failed
}

// InstanceNames lists a process's replicas: "api-1", "api-2"; one alone keeps
// the process's name.
func (p Process) InstanceNames() []string {
	if p.Replicas == 1 {
		return []string{p.Name}
	}
	var names []string
	for i := range p.Replicas {
		names = append(names, p.Name+"-"+strconv.Itoa(i+1))
	}
	return names
}

// checkReference checks what can be known without the backends' ports: a port
// is looked up when the case is resolved.
func (c Case) checkReference(at, text string, inProcess bool) error {
	known := append([]string{"namespace", "study", "secret.NAME"}, c.Backends...)
	for _, p := range c.Processes {
		known = append(known, p.InstanceNames()...)
	}
	if inProcess {
		known = append(known, "instance", "listen", "state")
		for _, name := range slices.Sorted(maps.Keys(c.WASM)) {
			known = append(known, "wasm."+name)
		}
	}
	_, err := expand(text, func(name string) (string, error) {
		stem, rest, dotted := strings.Cut(name, ".")
		switch {
		case stem == "secret" && rest != "":
		case dotted && slices.Contains(c.Backends, stem):
		case slices.Contains(known, name):
		default:
			return "", fmt.Errorf("%s: ${%s} is unknown; known are: %s, and BACKEND.PORT or BACKEND.data", at, name, strings.Join(known, ", "))
		}
		return "", nil
	})
	return err
}

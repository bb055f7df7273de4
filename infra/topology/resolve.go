package topology

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"designkits/infra/backend"
)

// A World is where a case's references point to.
type World struct {
	State     string                  // the state folder
	Offset    int                     // added to every port of a process
	Namespace string                  // prefixes everything that is stored
	Sites     map[string]backend.Site // by backend
	First     map[string]string       // a backend's first port's name
}

// Resolve fills in every reference of the case and returns its instances, in
// the order of case.yaml's names, with their folders made.
func (c Case) Resolve(w World) ([]Instance, error) {
	instances := c.instances(w)
	for i := range instances {
		in := &instances[i]
		p := c.Processes[slices.IndexFunc(c.Processes, func(p Process) bool { return p.Name == in.Process })]
		for _, key := range slices.Sorted(maps.Keys(p.Env)) {
			value, err := expand(p.Env[key], func(name string) (string, error) {
				switch name {
				case "listen":
					return in.Addr, nil
				case "state":
					return in.State, nil
				case "instance":
					return in.Name, nil
				}
				return c.lookup(w, instances, name)
			})
			if err != nil {
				return nil, fmt.Errorf("%s: processes.%s.env.%s: %w", filepath.Join(c.Dir, "case.yaml"), p.Name, key, err)
			}
			in.Env = append(in.Env, key+"="+value)
		}
		if err := os.MkdirAll(in.State, 0o755); err != nil {
			return nil, fmt.Errorf("folder of %s/%s: %w", c.Name, in.Name, err)
		}
	}
	return instances, nil
}

// instances are the processes with their addresses.
func (c Case) instances(w World) (all []Instance) {
	for _, p := range c.Processes {
		for i, name := range p.InstanceNames() {
			in := Instance{Process: p.Name, Name: name, Replica: i + 1, Port: p.Port + i + w.Offset, Needs: p.Needs,
				State: filepath.Join(w.State, "process", c.Name, w.Namespace, name)}
			in.Addr = loopback(in.Port)
			all = append(all, in)
		}
	}
	return all
}

// PageAddress returns the page's address.
func (c Case) PageAddress(w World) (string, error) {
	page, err := expand(c.Page, func(name string) (string, error) { return c.lookup(w, c.instances(w), name) })
	if err != nil {
		return "", fmt.Errorf("%s: page: %w", filepath.Join(c.Dir, "case.yaml"), err)
	}
	return page, nil
}

// LabEnv returns the environment of the case's demo and sample data.
func (c Case) LabEnv(w World) (env []string, err error) {
	for _, key := range slices.Sorted(maps.Keys(c.Lab)) {
		value, err := expand(c.Lab[key], func(name string) (string, error) { return c.lookup(w, c.instances(w), name) })
		if err != nil {
			return nil, fmt.Errorf("%s: lab.%s: %w", filepath.Join(c.Dir, "case.yaml"), key, err)
		}
		env = append(env, key+"="+value)
	}
	return env, nil
}

// WASMFolder is where a program that is built for the browser lies with its loader.
func (c Case) WASMFolder(state, name string) string {
	return filepath.Join(state, "wasm", c.Name, name)
}

func (c Case) lookup(w World, instances []Instance, name string) (string, error) {
	stem, rest, dotted := strings.Cut(name, ".")
	site, isBackend := w.Sites[stem]
	switch {
	case name == "namespace":
		return w.Namespace, nil
	case name == "study":
		return StudyOrigin(w.Offset), nil
	case stem == "wasm":
		return c.WASMFolder(w.State, rest), nil
	case stem == "secret":
		return secret(w.State, c.Name, rest)
	case isBackend && !dotted:
		return site.Addr(w.First[stem]), nil
	case isBackend && rest == "data":
		return site.Data, nil
	case isBackend:
		if _, ok := site.Ports[rest]; !ok {
			return "", fmt.Errorf("${%s}: %s has no port %q; it has: %s, and data", name, stem, rest,
				strings.Join(slices.Sorted(maps.Keys(site.Ports)), ", "))
		}
		return site.Addr(rest), nil
	}
	for _, in := range instances {
		if in.Name == name {
			return in.Addr, nil
		}
	}
	return "", fmt.Errorf("${%s} is unknown", name)
}

// EdgeConfig returns the edge's nginx configuration. Its template is in the
// form of the docker image: ${NAME} stands for an address, with the names of
// instances and backends in capitals and "_" for "-" and "." (${API_1},
// ${NGINX}) and ${LISTEN} for nginx's own; other ${...} and all $variables are
// nginx's.
func (c Case) EdgeConfig(w World, instances []Instance) (string, error) {
	path := filepath.Join(c.Dir, c.Edge)
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("edge of %s: %w", c.Name, err)
	}
	names := map[string]string{"NAMESPACE": w.Namespace}
	if site, ok := w.Sites["nginx"]; ok {
		names["LISTEN"] = site.Addr(w.First["nginx"])
	}
	for _, in := range instances {
		names[capitals(in.Name)] = in.Addr
	}
	for name, site := range w.Sites {
		names[capitals(name)] = site.Addr(w.First[name])
		for port := range site.Ports {
			names[capitals(name+"."+port)] = site.Addr(port)
		}
	}
	return reference.ReplaceAllStringFunc(string(raw), func(ref string) string {
		if value, ok := names[ref[2:len(ref)-1]]; ok {
			return value
		}
		return ref
	}), nil
}

func capitals(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// StudyPort is where the study page is served, before any offset.
const StudyPort = 8070

// StudyOrigin is the origin of the study page, which may show a case's page in a
// frame.
func StudyOrigin(offset int) string { return "http://" + loopback(StudyPort+offset) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

package rig

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"designkits/shared/kitenv"
)

// A topology is what case.yaml says of the processes. The kit has its own
// reader; a case may not import it, and needs little of what it does.
type topology struct {
	Edge      string            `yaml:"edge"`
	Lab       map[string]string `yaml:"lab"`
	WASM      map[string]string `yaml:"wasm"`
	Processes map[string]struct {
		Replicas int               `yaml:"replicas"`
		Env      map[string]string `yaml:"env"`
	} `yaml:"processes"`
}

// An instance is one process to be started.
type instance struct {
	process string // "api"
	name    string // "api-1", or the process's name where there is one of it
	env     map[string]string
}

func read(path string) (topology, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return topology{}, err
	}
	var t topology
	if err := yaml.Unmarshal(content, &t); err != nil {
		return topology{}, fmt.Errorf("read %s: %w", path, err)
	}
	return t, nil
}

// instances are the processes to be started: all, or those named.
func (t topology) instances(only []string) (all []instance, err error) {
	for _, name := range only {
		if _, ok := t.Processes[name]; !ok {
			return nil, fmt.Errorf("case.yaml has no process %q", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Processes)) {
		p := t.Processes[name]
		switch {
		case len(only) > 0 && !slices.Contains(only, name):
		case p.Replicas < 2:
			all = append(all, instance{process: name, name: name, env: p.Env})
		default:
			for i := range p.Replicas {
				all = append(all, instance{process: name, name: name + "-" + strconv.Itoa(i+1), env: p.Env})
			}
		}
	}
	return all, nil
}

func namesOf(instances []instance) (names []string) {
	for _, in := range instances {
		names = append(names, in.name)
	}
	return names
}

// names is what the ${…} of case.yaml stand for here.
type names struct {
	namespace string
	state     string            // folder
	addresses map[string]string // of processes and the edge
	via       map[string]string // of backends, instead of their own
	secrets   map[string]string
	wasm      func(name string) (folder string, err error) // builds it once
}

var reference = regexp.MustCompile(`\$\{([^}]+)\}`)

func (n *names) environment(in instance) ([]string, error) {
	values, err := n.expand(in, in.env)
	var env []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		env = append(env, key+"="+values[key])
	}
	return env, err
}

func (n *names) expand(in instance, env map[string]string) (map[string]string, error) {
	values := map[string]string{}
	for key, text := range env {
		var failed error
		values[key] = reference.ReplaceAllStringFunc(text, func(ref string) string {
			value, err := n.lookup(in, ref[2:len(ref)-1])
			if err != nil {
				failed = fmt.Errorf("case.yaml: %s of %s: %w", key, in.process, err)
			}
			return value
		})
		if failed != nil {
			return nil, failed
		}
	}
	return values, nil
}

func (n *names) lookup(in instance, name string) (string, error) {
	stem, rest, _ := strings.Cut(name, ".")
	switch {
	case name == "listen":
		return n.addresses[in.name], nil
	case name == "instance":
		return in.name, nil
	case name == "namespace":
		return n.namespace, nil
	case name == "study": // shows no case of a test
		return "", nil
	case name == "state":
		dir := filepath.Join(n.state, in.name)
		return dir, os.MkdirAll(dir, 0o700)
	case stem == "wasm":
		return n.wasm(rest)
	case stem == "secret":
		return n.secret(rest), nil
	case n.addresses[name] != "":
		return n.addresses[name], nil
	case n.via[name] != "":
		return n.via[name], nil
	case rest == "data":
		return kitenv.Data(stem)
	default:
		return kitenv.Addr(name)
	}
}

// secret returns the same random secret for the same name.
func (n *names) secret(name string) string {
	if n.secrets == nil {
		n.secrets = map[string]string{}
	}
	if n.secrets[name] == "" {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		n.secrets[name] = hex.EncodeToString(b[:])
	}
	return n.secrets[name]
}

package topology

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// file is case.yaml as it is written.
type file struct {
	Title     string                            `yaml:"title"`
	Summary   string                            `yaml:"summary"`
	Backends  []string                          `yaml:"backends"`
	Tools     []string                          `yaml:"tools"`
	Page      string                            `yaml:"page"`
	Processes map[string]fileProcess            `yaml:"processes"`
	Edge      string                            `yaml:"edge"`
	Lab       map[string]string                 `yaml:"lab"`
	WASM      map[string]string                 `yaml:"wasm"`
	Variants  map[string]map[string]fileVariant `yaml:"variants"`
}

type fileProcess struct {
	Replicas int               `yaml:"replicas"`
	Port     int               `yaml:"port"`
	Needs    []string          `yaml:"needs"`
	Env      map[string]string `yaml:"env"`
}

// List names the cases below root: the folders of cases/ with a case.yaml.
func List(root string) []string {
	files, _ := filepath.Glob(filepath.Join(root, "cases", "*", "case.yaml"))
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	return names
}

// An UnknownCase is a name that no case has.
type UnknownCase struct {
	Name  string
	Known []string
}

func (e *UnknownCase) Error() string {
	return fmt.Sprintf("there is no case %q; there are: %s", e.Name, strings.Join(e.Known, ", "))
}

// Load reads cases/<name>/case.yaml below root and checks what can be checked
// without knowing addresses.
func Load(root, name string) (Case, error) {
	known := List(root)
	if !slices.Contains(known, name) {
		return Case{}, &UnknownCase{Name: name, Known: known}
	}
	dir := filepath.Join(root, "cases", name)
	path := filepath.Join(dir, "case.yaml")
	raw, err := os.ReadFile(path)
	if err != nil {
		return Case{}, fmt.Errorf("read %s: %w", path, err)
	}
	c, err := Parse(name, raw)
	if err != nil {
		return Case{}, fmt.Errorf("%s: %w", path, err)
	}
	c.Dir = dir
	if c.Edge != "" {
		if _, err := os.Stat(filepath.Join(dir, c.Edge)); err != nil {
			return Case{}, fmt.Errorf("%s: edge: %w", path, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.WASM)) {
		if sources, err := filepath.Glob(filepath.Join(dir, c.WASM[name], "*.go")); err != nil || len(sources) == 0 {
			return Case{}, fmt.Errorf("%s: wasm.%s: %s is no folder with Go files", path, name, filepath.Join(dir, c.WASM[name]))
		}
	}
	return c, nil
}

// Parse reads the text of a case.yaml.
func Parse(name string, raw []byte) (Case, error) {
	var f file
	if err := yaml.UnmarshalWithOptions(raw, &f, yaml.DisallowUnknownField()); err != nil {
		var unknown *yaml.UnknownFieldError
		if errors.As(err, &unknown) {
			return Case{}, fmt.Errorf("%w\nknown keys: title, summary, backends, tools, page, processes, edge, lab, wasm, variants; of a process: replicas, port, needs, env", err)
		}
		return Case{}, err
	}
	c := Case{Name: name, Namespace: name, Title: f.Title, Summary: f.Summary, Backends: f.Backends, Tools: f.Tools, Page: f.Page, Edge: f.Edge, Lab: f.Lab, WASM: f.WASM}
	if c.Title == "" {
		return Case{}, errors.New("title: it is missing")
	}
	if len(f.Processes) == 0 {
		return Case{}, errors.New("processes: there is none")
	}
	for _, pname := range slices.Sorted(maps.Keys(f.Processes)) {
		p := f.Processes[pname]
		at := "processes." + pname
		if p.Port < 1024 || p.Port > 65535 {
			return Case{}, fmt.Errorf("%s.port: %d is no port from 1024 to 65535", at, p.Port)
		}
		if p.Replicas < 0 || p.Replicas > 16 {
			return Case{}, fmt.Errorf("%s.replicas: %d is not from 1 to 16", at, p.Replicas)
		}
		if err := checkNeeds(at, p.Needs, c.Backends); err != nil {
			return Case{}, err
		}
		c.Processes = append(c.Processes, Process{
			Name: pname, Replicas: max(1, p.Replicas), Port: p.Port, Needs: p.Needs, Env: p.Env,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(c.WASM)) {
		if !word.MatchString(name) || !filepath.IsLocal(c.WASM[name]) {
			return Case{}, fmt.Errorf("wasm.%s: a program is called by small letters and digits, with - between words, and is a folder below the case's", name)
		}
	}
	if err := c.checkReferences(); err != nil {
		return Case{}, err
	}
	return c, c.addVariants(f.Variants)
}

// checkReferences refuses a reference that nothing answers to.
func (c Case) checkReferences() error {
	if err := c.checkReference("page", c.Page, false); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(c.Lab)) {
		if err := c.checkReference("lab."+key, c.Lab[key], false); err != nil {
			return err
		}
	}
	for _, p := range c.Processes {
		for _, key := range slices.Sorted(maps.Keys(p.Env)) {
			if err := c.checkReference("processes."+p.Name+".env."+key, p.Env[key], true); err != nil {
				return err
			}
		}
	}
	return nil
}

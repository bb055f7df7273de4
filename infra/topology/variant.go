package topology

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A Variant is one way to run a case other than its usual one: under choice
// "store" the name "dynamodb". It adds backends, and to processes what they
// need and are told.
type Variant struct {
	Choice, Name string
	Backends     []string
	Processes    []Process // Name, Needs and Env alone
}

// fileVariant is a variant as case.yaml writes it.
type fileVariant struct {
	Backends  []string               `yaml:"backends"`
	Processes map[string]fileProcess `yaml:"processes"`
}

// An UnknownChoice is something chosen that a case doesn't offer.
type UnknownChoice struct {
	Case, Choice, Name string
	Variants           []Variant
}

func (e *UnknownChoice) Error() string {
	if len(e.Variants) == 0 {
		return fmt.Sprintf("%s has no --%s, nor anything else to choose", e.Case, e.Choice)
	}
	var known []string
	for _, v := range e.Variants {
		known = append(known, "--"+v.Choice+" "+v.Name)
	}
	return fmt.Sprintf("%s has no --%s %s; it has: %s", e.Case, e.Choice, e.Name, strings.Join(known, ", "))
}

// With returns the case with the named variant of each choice. It stores in a
// namespace of its own, so that two variants never see each other's data.
func (c Case) With(choices map[string]string) (Case, error) {
	c.Backends, c.Processes = slices.Clone(c.Backends), slices.Clone(c.Processes)
	for _, choice := range slices.Sorted(maps.Keys(choices)) {
		i := slices.IndexFunc(c.Variants, func(v Variant) bool { return v.Choice == choice && v.Name == choices[choice] })
		if i < 0 {
			return Case{}, &UnknownChoice{Case: c.Name, Choice: choice, Name: choices[choice], Variants: c.Variants}
		}
		v := c.Variants[i]
		c.Namespace += "_" + strings.ReplaceAll(v.Name, "-", "_")
		c.Backends = union(c.Backends, v.Backends)
		for _, added := range v.Processes {
			p := &c.Processes[slices.IndexFunc(c.Processes, func(p Process) bool { return p.Name == added.Name })]
			p.Needs = union(p.Needs, added.Needs)
			p.Env = maps.Clone(p.Env)
			maps.Copy(p.Env, added.Env)
		}
	}
	return c, nil
}

// AllBackends are those of the case and of all its variants.
func (c Case) AllBackends() []string {
	all := c.Backends
	for _, v := range c.Variants {
		all = union(all, v.Backends)
	}
	return all
}

// union is a with what b has more, in a slice of its own.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// word is what a choice and a variant may be called: it is a flag, and a part
// of a namespace, where "-" becomes "_".
var word = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// addVariants takes over the variants of case.yaml, each checked as the case is.
func (c *Case) addVariants(choices map[string]map[string]fileVariant) error {
	for _, choice := range slices.Sorted(maps.Keys(choices)) {
		for _, name := range slices.Sorted(maps.Keys(choices[choice])) {
			at := "variants." + choice + "." + name
			if !word.MatchString(choice) || !word.MatchString(name) {
				return fmt.Errorf("%s: a choice and a variant are called by small letters and digits, with - between words", at)
			}
			v := Variant{Choice: choice, Name: name, Backends: choices[choice][name].Backends}
			backends := union(c.Backends, v.Backends)
			processes := choices[choice][name].Processes
			for _, pname := range slices.Sorted(maps.Keys(processes)) {
				p, at := processes[pname], at+".processes."+pname
				if !slices.ContainsFunc(c.Processes, func(p Process) bool { return p.Name == pname }) {
					return fmt.Errorf("%s: the case has no process of this name", at)
				}
				if p.Port != 0 || p.Replicas != 0 {
					return fmt.Errorf("%s: a variant changes needs and env, not port and replicas", at)
				}
				if err := checkNeeds(at, p.Needs, backends); err != nil {
					return err
				}
				v.Processes = append(v.Processes, Process{Name: pname, Needs: p.Needs, Env: p.Env})
			}
			c.Variants = append(c.Variants, v)
			varied, err := c.With(map[string]string{choice: name})
			if err == nil {
				err = varied.checkReferences()
			}
			if err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
		}
	}
	return nil
}

func checkNeeds(at string, needs, backends []string) error {
	for _, need := range needs {
		if !slices.Contains(backends, need) {
			return fmt.Errorf("%s.needs: %q is not one of the case's backends: %s", at, need, strings.Join(backends, ", "))
		}
	}
	return nil
}

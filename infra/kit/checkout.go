package main

import (
	"fmt"
	"os"
	"path/filepath"

	"designkits/infra/engine"
	"designkits/infra/provision"
	"designkits/infra/topology"
)

// findRoot returns the top of the checkout from any folder in it.
func findRoot() (root string, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for root = dir; ; {
		if _, err := os.Stat(filepath.Join(root, "go.work")); err == nil {
			return root, nil
		}
		up := filepath.Dir(root)
		if up == root {
			return "", usagef("%s is not in a checkout of the design kits: no go.work here or above; change into it first", dir)
		}
		root = up
	}
}

// place is the checkout with its state folder.
func (o *options) place() (engine.Place, error) {
	root, err := findRoot()
	if err != nil {
		return engine.Place{}, err
	}
	cache, err := provision.CacheDir()
	if err != nil {
		return engine.Place{}, err
	}
	state := o.state
	if state == "" {
		state = filepath.Join(root, ".kit")
	}
	if state, err = filepath.Abs(state); err != nil {
		return engine.Place{}, fmt.Errorf("find the state folder: %w", err)
	}
	return engine.Place{Root: root, State: state, Cache: cache}, nil
}

// load is the checkout and a case in it.
func (o *options) load(name string) (engine.Place, topology.Case, error) {
	place, err := o.place()
	if err != nil {
		return engine.Place{}, topology.Case{}, err
	}
	c, err := topology.Load(place.Root, name)
	return place, c, err
}

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"designkits/infra/engine"
	"designkits/infra/provision"
)

// place finds the checkout from any folder in it, and its state folder.
func (o *options) place() (engine.Place, error) {
	dir, err := os.Getwd()
	if err != nil {
		return engine.Place{}, fmt.Errorf("find the checkout: %w", err)
	}
	root := dir
	for {
		if _, err := os.Stat(filepath.Join(root, "go.work")); err == nil {
			break
		}
		up := filepath.Dir(root)
		if up == root {
			return engine.Place{}, usagef("%s is not in a checkout of the design kits: no go.work here or above; change into it first", dir)
		}
		root = up
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

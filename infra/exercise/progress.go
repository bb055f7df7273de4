// Package exercise keeps a person's progress with the exercises: which ones were
// started and passed, and how many hints were read. The exercises themselves are
// read by shared/exercise.
package exercise

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"designkits/shared/exercise"
)

// A State is how far somebody is with an exercise.
type State string

// The states.
const (
	New     State = "new"
	Started State = "started"
	Passed  State = "passed" // once; a later check that fails doesn't take it back
)

// A Step is the progress with one exercise.
type Step struct {
	State State `json:"state"`
	Hints int   `json:"hints"` // how many were read
}

// Progress is the progress with all of them, by "CASE/ID". It is kept in
// progress.json in the state folder.
type Progress struct {
	path  string
	steps map[string]Step
}

// Load reads the progress; none where nothing was begun.
func Load(state string) (*Progress, error) {
	p := &Progress{path: filepath.Join(state, "progress.json"), steps: map[string]Step{}}
	raw, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &p.steps)
	}
	if err != nil {
		return nil, fmt.Errorf("read the progress with the exercises: %w (remove %s to begin anew)", err, p.path)
	}
	return p, nil
}

// Of is the progress with one exercise.
func (p *Progress) Of(caseName string, e exercise.Exercise) Step {
	step := p.steps[caseName+"/"+e.ID]
	if step.State == "" {
		step.State = New
	}
	return step
}

// Set keeps the progress with one exercise; Passed stays Passed.
func (p *Progress) Set(caseName string, e exercise.Exercise, step Step) error {
	if p.Of(caseName, e).State == Passed {
		step.State = Passed
	}
	p.steps[caseName+"/"+e.ID] = step
	raw, err := json.MarshalIndent(p.steps, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(p.path), 0o755)
	}
	fresh := p.path + ".new"
	if err == nil {
		err = os.WriteFile(fresh, append(raw, '\n'), 0o644)
	}
	if err == nil {
		err = os.Rename(fresh, p.path)
	}
	if err != nil {
		return fmt.Errorf("keep the progress with the exercises: %w", err)
	}
	return nil
}

// An Item is a line of the list of a case's exercises.
type Item struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Minutes int    `json:"minutes"`
	State   State  `json:"state"`
}

// List returns the exercises of a case, with the progress in a state folder.
func List(root, state, caseName string) ([]Item, error) {
	all, err := exercise.List(filepath.Join(root, "cases", caseName))
	if err != nil {
		return nil, err
	}
	progress, err := Load(state)
	if err != nil {
		return nil, err
	}
	items := make([]Item, len(all))
	for i, e := range all {
		items[i] = Item{e.ID, e.Title, e.Minutes, progress.Of(caseName, e).State}
	}
	return items, nil
}

package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"designkits/shared/stamp"
)

// A Stamp says where and when figures were taken, and of which commit.
type Stamp struct {
	Machine string `json:"machine"`
	Date    string `json:"date"`
	Commit  string `json:"commit"`
}

// A File is bench/results.json: the figures, and the stamp of the last run.
type File struct {
	Stamp
	Results []Result `json:"results"`
}

// Read reads results; a file that isn't there has none.
func Read(path string) (File, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, nil
	}
	if err != nil {
		return File{}, fmt.Errorf("read bench results: %w", err)
	}
	var f File
	if err := json.Unmarshal(raw, &f); err != nil {
		return File{}, fmt.Errorf("read bench results %s: %w", path, err)
	}
	return f, nil
}

// Update replaces the results of the same names, adds new ones at the end, and
// stamps the file with this machine and time. What stays keeps its own stamp.
func (f *File) Update(results []Result) {
	before := f.Stamp
	for i := range f.Results {
		if f.Results[i].Earlier == nil {
			f.Results[i].Earlier = &before
		}
	}
	for _, r := range results {
		if i := slices.IndexFunc(f.Results, func(old Result) bool { return old.Name == r.Name }); i >= 0 {
			f.Results[i] = r
		} else {
			f.Results = append(f.Results, r)
		}
	}
	f.Stamp = Stamp{stamp.Machine(), stamp.Date(), stamp.Commit()}
	for i := range f.Results {
		if e := f.Results[i].Earlier; e != nil && *e == f.Stamp {
			f.Results[i].Earlier = nil
		}
	}
}

// Write writes the file as a person would: indented, with a line's end.
func (f File) Write(path string) error {
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write bench results: %w", err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write bench results: %w", err)
	}
	return nil
}

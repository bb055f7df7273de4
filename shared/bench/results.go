package bench

import (
	"designkits/shared/stamp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// A File is bench/results.json: the figures of the last full run, where and
// when they were taken, and of which commit.
type File struct {
	Machine string   `json:"machine"`
	Date    string   `json:"date"`
	Commit  string   `json:"commit"`
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
// stamps the file with this machine and time.
func (f *File) Update(results []Result) {
	for _, r := range results {
		if i := slices.IndexFunc(f.Results, func(old Result) bool { return old.Name == r.Name }); i >= 0 {
			f.Results[i] = r
		} else {
			f.Results = append(f.Results, r)
		}
	}
	f.Machine, f.Date, f.Commit = stamp.Machine(), stamp.Date(), stamp.Commit()
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

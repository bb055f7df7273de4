package curveball

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"designkits/shared/stamp"
)

// ResultsFile is where a case keeps what its experiments have measured, below
// its folder.
const ResultsFile = "curveballs/results.json"

// A File is what was measured in the last run of all experiments, where and
// when, and of which commit.
type File struct {
	Machine string   `json:"machine"`
	Date    string   `json:"date"`
	Commit  string   `json:"commit"`
	Results []Result `json:"results"`
}

// A Result is what was measured of one experiment, and of its control.
type Result struct {
	Name     string    `json:"name"`
	Verdict  Verdict   `json:"verdict"`
	Measured []Outcome `json:"measured"`
	Control  []Outcome `json:"control,omitempty"`
}

// Results are the reports without what happened on the way, stamped with this
// machine and day.
func Results(reports []Report) File {
	f := File{Machine: stamp.Machine(), Date: stamp.Date(), Commit: stamp.Commit()}
	for _, r := range reports {
		f.Results = append(f.Results, Result{r.Name, r.Verdict, r.Measured, r.Control.Measured})
	}
	return f
}

// ReadResults reads a file of results; one that isn't there has none.
func ReadResults(path string) (File, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, nil
	}
	if err != nil {
		return File{}, fmt.Errorf("read what the experiments have measured: %w", err)
	}
	var f File
	if err := json.Unmarshal(raw, &f); err != nil {
		return File{}, fmt.Errorf("read what the experiments have measured, %s: %w", path, err)
	}
	return f, nil
}

// Write writes the file.
func (f File) Write(path string) error {
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write what the experiments have measured: %w", err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write what the experiments have measured: %w", err)
	}
	return nil
}

// value finds what was measured of a figure.
func value(outcomes []Outcome, figure string) string {
	for _, o := range outcomes {
		if o.Figure == figure {
			return o.value()
		}
	}
	return "–"
}

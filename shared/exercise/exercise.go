// Package exercise reads a case's exercises. Each is a folder
// cases/CASE/exercises/NN-name with
//
//	README.md       the task: a title, a line "Takes about 90 minutes. Runs: api.",
//	                and the sections Goal, Where to begin, Out of scope, How it is graded
//	hints.md        a section a hint, from a nudge to almost the answer
//	check_test.go   the check, with build tag exercise: see package grade
//	solution.patch  one way to do it, as git diff prints it
//	wrong.patch     what makes of it a way that looks right and isn't: see Wrong
//
// Package proof shows that each check tells them apart.
package exercise

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// An Exercise is one of a case.
type Exercise struct {
	ID      string // the folder's name: "01-link-passwords"
	Dir     string
	Title   string
	Minutes int      // about how long it takes
	Runs    []string // the processes that its check needs
	Readme  string
}

// Files of an exercise.
const (
	Solution = "solution.patch"
	Mistake  = "wrong.patch"
)

var (
	title = regexp.MustCompile(`(?m)^# (.+)$`)
	takes = regexp.MustCompile(`(?m)^Takes about (\d+) minutes\. Runs: ([a-z0-9, -]+)\.$`)
)

// List returns the exercises of the case in a folder, in order; none where the
// case has none.
func List(caseDir string) ([]Exercise, error) {
	readmes, _ := filepath.Glob(filepath.Join(caseDir, "exercises", "[0-9][0-9]-*", "README.md"))
	var all []Exercise
	for _, path := range readmes {
		e, err := Read(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// Read reads the exercise in a folder.
func Read(dir string) (Exercise, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Exercise{}, fmt.Errorf("read exercise: %w", err)
	}
	path := filepath.Join(dir, "README.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		return Exercise{}, fmt.Errorf("read exercise: %w", err)
	}
	e := Exercise{ID: filepath.Base(dir), Dir: dir, Readme: string(raw)}
	name, facts := title.FindStringSubmatch(e.Readme), takes.FindStringSubmatch(e.Readme)
	if name == nil || facts == nil {
		return Exercise{}, fmt.Errorf("read %s: it needs a title and a line like \"Takes about 90 minutes. Runs: api.\"", path)
	}
	e.Title = name[1]
	if e.Minutes, err = strconv.Atoi(facts[1]); err != nil {
		return Exercise{}, fmt.Errorf("read %s: %w", path, err)
	}
	e.Runs = strings.Split(strings.ReplaceAll(facts[2], " ", ""), ",")
	return e, nil
}

// An Unknown is a name that no exercise of the case has.
type Unknown struct {
	Name  string
	Known []string
}

func (e *Unknown) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("there is no exercise %q: the case has none", e.Name)
	}
	return fmt.Sprintf("there is no exercise %q; there are: %s", e.Name, strings.Join(e.Known, ", "))
}

// Find returns the exercise of that id or that number, or an *Unknown.
func Find(caseDir, name string) (Exercise, error) {
	all, err := List(caseDir)
	if err != nil {
		return Exercise{}, err
	}
	unknown := &Unknown{Name: name}
	for _, e := range all {
		number, _, _ := strings.Cut(e.ID, "-")
		if name == e.ID || name == number || "0"+name == number {
			return e, nil
		}
		unknown.Known = append(unknown.Known, e.ID)
	}
	return Exercise{}, unknown
}

// Section returns a section of the README, without its heading; "" when there
// is none.
func (e Exercise) Section(heading string) string {
	for _, s := range sections(e.Readme) {
		if name, text, _ := strings.Cut(s, "\n"); name == heading {
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// Hints returns the hints in order, each with its heading first.
func (e Exercise) Hints() ([]string, error) {
	raw, err := os.ReadFile(filepath.Join(e.Dir, "hints.md"))
	if err != nil {
		return nil, fmt.Errorf("read the hints of %s: %w", e.ID, err)
	}
	return sections(string(raw)), nil
}

// sections cuts Markdown at its headings of the second level.
func sections(text string) (all []string) {
	for i, part := range strings.Split("\n"+text, "\n## ") {
		if i > 0 { // the first is what stands before
			all = append(all, strings.TrimSpace(part))
		}
	}
	return all
}

// fails is the line of wrong.patch that says what the check must answer.
var fails = regexp.MustCompile(`(?m)^Fails with: (.+)$`)

// Wrong returns the words that the check must have for wrong.patch. They stand
// before the patch itself, where git apply reads over them, in a line "Fails
// with: …" after a sentence on what is wrong.
func (e Exercise) Wrong() (words string, err error) {
	raw, err := os.ReadFile(filepath.Join(e.Dir, Mistake))
	if err != nil {
		return "", fmt.Errorf("read the mistake of %s: %w", e.ID, err)
	}
	before, _, _ := strings.Cut(string(raw), "diff --git ")
	match := fails.FindStringSubmatch(before)
	if match == nil {
		return "", fmt.Errorf("%s of %s has no line \"Fails with: …\" before the patch", Mistake, e.ID)
	}
	return match[1], nil
}

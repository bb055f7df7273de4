package study

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	live, err := s.kit.Live(r.Context(), c)
	if err != nil {
		return err
	}
	return answer(w, live)
}

// labs are the cases' lab programs, built when a panel that asks one opens.
type labs struct {
	kit   Kit
	mu    sync.Mutex
	built map[string]string
}

// program returns the case's lab; fresh builds it anew, for what has been
// changed meanwhile.
func (l *labs) program(ctx context.Context, caseName string, fresh bool) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if program := l.built[caseName]; program != "" && !fresh {
		return program, nil
	}
	program, err := l.kit.Lab(ctx, caseName)
	if err != nil {
		return "", err
	}
	if l.built == nil {
		l.built = map[string]string{}
	}
	l.built[caseName] = program
	return program, nil
}

// lab runs a subcommand of the case's lab that prints and returns at once.
func (s *Server) lab(r *http.Request, fresh bool, args ...string) ([]byte, error) {
	c, err := s.caseOf(r)
	if err != nil {
		return nil, err
	}
	program, err := s.labs.program(r.Context(), c.Name, fresh)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(r.Context(), program, args...)
	cmd.Dir = filepath.Join(s.tree.dir, "cases", c.Name)
	return output(cmd, "lab "+args[0]+" of "+c.Name)
}

// output runs a command; its own words are the error's.
func output(cmd *exec.Cmd, what string) ([]byte, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, refusef(http.StatusUnprocessableEntity, "%s: %s", what, strings.TrimSpace(said.String()))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}

// maxSet bounds the inputs that are set at once.
const maxSet = 200

// estimate calculates the sheet; "set" may be given many times, "of" names the
// row whose inputs are weighed. Asked for nothing of that, as by a page that opens,
// it builds the lab anew and tells the charts, too.
func (s *Server) estimate(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if len(q["set"]) > maxSet {
		return refusef(http.StatusBadRequest, "at most %d inputs can be set", maxSet)
	}
	args := []string{"estimate"}
	for _, set := range q["set"] {
		args = append(args, "--set", set)
	}
	if of := q.Get("of"); of != "" {
		args = append(args, "--of", of)
	}
	opening := len(q) == 0
	if opening {
		args = append(args, "--charts")
	}
	out, err := s.lab(r, opening, args...)
	if err != nil {
		return err
	}
	return answer(w, json.RawMessage(out))
}

func (s *Server) benches(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	name := path.Join("cases", c.Name, "bench", "results.json")
	raw, err := s.tree.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return refusef(http.StatusNotFound, "Nothing has been measured yet in this checkout. Type `go run ./infra/kit bench %s`: it takes a while and writes %s.", c.Name, name)
	}
	if err != nil {
		return err
	}
	if !json.Valid(raw) {
		return fmt.Errorf("%s is not JSON: `go run ./infra/kit bench %s` makes it anew", name, c.Name)
	}
	return answer(w, json.RawMessage(raw))
}

// curveballs lists the experiments.
func (s *Server) curveballs(w http.ResponseWriter, r *http.Request) error {
	return s.list(w, r, "curveball", "--list", "--json")
}

// exercises lists the exercises and how far the reader is.
func (s *Server) exercises(w http.ResponseWriter, r *http.Request) error {
	return s.list(w, r, "exercise", "list", "--json")
}

// list answers with the JSON that a command of the kit prints about the case.
func (s *Server) list(w http.ResponseWriter, r *http.Request, args ...string) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	args = append(args, c.Name)
	out, err := output(s.kit.Command(r.Context(), args...), "kit "+strings.Join(args, " "))
	if err != nil {
		return err
	}
	if !json.Valid(out) {
		return fmt.Errorf("kit %s has printed no JSON: %.200s", strings.Join(args, " "), out)
	}
	return answer(w, json.RawMessage(out))
}

// exercise is its README.
func (s *Server) exercise(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	d, err := s.tree.document(path.Join("cases", c.Name, "exercises", r.PathValue("id"), "README.md"))
	if err != nil {
		return err
	}
	return answer(w, d)
}

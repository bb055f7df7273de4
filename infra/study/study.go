// Package study is the page that `kit study` serves: a case's design doc beside
// the live case, its capacity sheet to play with, its benches, curveballs and
// exercises, and a search over all docs.
//
// What the page does a person can type: it runs the kit's own commands and
// shows which. It listens on loopback alone, answers to no other host name,
// takes changes from no other origin, and shows files of the checkout's source
// folders alone.
package study

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"

	"designkits/infra/topology"
	"designkits/shared/problem"
	"designkits/shared/webui"
	"designkits/shared/webui/mermaid"
)

// Port is where the page is served, before any offset.
const Port = topology.StudyPort

//go:embed web
var files embed.FS

// A Kit is what the page asks the kit for.
type Kit interface {
	// Live says whether the case runs, and where.
	Live(ctx context.Context, c topology.Case) (Live, error)
	// Lab builds the case's lab and returns its program.
	Lab(ctx context.Context, caseName string) (program string, err error)
	// Command is a call of the kit itself: "up", "shortener". It ends with ctx,
	// by an interrupt first.
	Command(ctx context.Context, args ...string) *exec.Cmd
}

// Live is the state of a case.
type Live struct {
	State string `json:"state"` // "down", "starting" or "up"
	Page  string `json:"page"`  // its address, up or not
	// Parts are its backends and processes, as far as they are known.
	Parts []Part `json:"parts"`
}

// A Part is one backend or process.
type Part struct {
	Name  string `json:"name"`
	State string `json:"state"` // as `kit status` says it
}

// A Server serves the page. It may be used by many goroutines at once.
type Server struct {
	kit  Kit
	tree *tree
	site *webui.Site
	jobs *jobs
	labs labs
	host string // "127.0.0.1:8070"
	mux  *http.ServeMux
}

// New returns the page of the checkout at root, to be served at the address,
// "127.0.0.1:8070".
func New(root, address string, kit Kit) (*Server, error) {
	web, err := fs.Sub(files, "web")
	if err != nil {
		return nil, fmt.Errorf("study page: %w", err)
	}
	site, err := webui.New(web)
	if err != nil {
		return nil, fmt.Errorf("study page: %w", err)
	}
	t, err := openTree(root)
	if err != nil {
		return nil, fmt.Errorf("study page: %w", err)
	}
	s := &Server{kit: kit, tree: t, site: site, jobs: newJobs(), host: address, mux: http.NewServeMux()}
	s.labs.kit = kit
	s.routes()
	return s, nil
}

// Close ends what the page has under way and waits for it.
func (s *Server) Close() error {
	s.jobs.close()
	return s.tree.root.Close()
}

func (s *Server) routes() {
	s.mux.Handle("GET /assets/", s.site)
	s.mux.HandleFunc("GET /mermaid/"+mermaid.Version+".js", serveMermaid)
	s.handle("GET /diagram", s.diagram)
	s.handle("GET /{$}", s.index)
	s.handle("GET /{case}", s.page)
	s.handle("GET /files/{path...}", s.image)
	s.handle("GET /api/doc", s.doc)
	s.handle("GET /api/source", s.source)
	s.handle("GET /api/search", s.search)
	s.handle("GET /api/cases/{case}/live", s.live)
	s.handle("GET /api/cases/{case}/estimate", s.estimate)
	s.handle("GET /api/cases/{case}/benches", s.benches)
	s.handle("GET /api/cases/{case}/curveballs", s.curveballs)
	s.handle("GET /api/cases/{case}/exercises", s.exercises)
	s.handle("GET /api/cases/{case}/exercises/{id}", s.exercise)
	s.handle("GET /api/cases/{case}/jobs", s.listJobs)
	s.handle("POST /api/cases/{case}/jobs", s.startJob)
	s.handle("GET /api/jobs/{id}", s.followJob)
	s.handle("DELETE /api/jobs/{id}", s.endJob)
}

// handle registers a handler whose error becomes a problem.
func (s *Server) handle(pattern string, h func(http.ResponseWriter, *http.Request) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil && r.Context().Err() == nil {
			problem.Write(w, problemOf(err))
		}
	})
}

// A refusal is an error with the status that it is answered with.
type refusal struct {
	status int
	error
}

func (r refusal) Unwrap() error { return r.error }

func refusef(status int, format string, args ...any) error {
	return refusal{status, fmt.Errorf(format, args...)}
}

func problemOf(err error) problem.Problem {
	var (
		refused refusal
		unknown *topology.UnknownCase
	)
	status := http.StatusInternalServerError
	switch {
	case errors.As(err, &refused):
		status = refused.status
	case errors.As(err, &unknown), errors.Is(err, fs.ErrNotExist):
		status = http.StatusNotFound
	}
	return problem.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: err.Error()}
}

func answer(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
	return nil
}

// caseOf loads the case that the address names.
func (s *Server) caseOf(r *http.Request) (topology.Case, error) {
	return topology.Load(s.tree.dir, r.PathValue("case"))
}

func (s *Server) index(w http.ResponseWriter, r *http.Request) error {
	var cases []topology.Case
	for _, name := range topology.List(s.tree.dir) {
		c, err := topology.Load(s.tree.dir, name)
		if err != nil {
			return err
		}
		cases = append(cases, c)
	}
	if len(cases) == 1 {
		http.Redirect(w, r, "/"+cases[0].Name, http.StatusSeeOther)
		return nil
	}
	return s.site.Show(w, http.StatusOK, "index.html", cases)
}

// A Reference is a document to go to.
type Reference struct {
	Path, Title string
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	name := r.URL.Query().Get("doc")
	if name == "" {
		name = path.Join("cases", c.Name, "DESIGN.md")
	}
	d, err := s.tree.document(name)
	if errors.Is(err, os.ErrNotExist) {
		d, err = missing(name), nil
	}
	if err != nil {
		return err
	}
	others, err := s.tree.docs()
	if err != nil {
		return err
	}
	others = slices.DeleteFunc(others, func(o string) bool { return path.Dir(path.Dir(o)) == "cases/"+c.Name+"/exercises" })
	var docs []Reference
	for _, o := range others {
		docs = append(docs, Reference{o, s.tree.label(o)})
	}
	w.Header().Set("Content-Security-Policy", webui.Framing("http://127.0.0.1:*"))
	return s.site.Show(w, http.StatusOK, "page.html", struct {
		Case topology.Case
		Doc  Document
		Docs []Reference
	}{c, d, docs})
}

// diagram is the frame in which Mermaid draws. Its own policy alone allows
// inline styles, which Mermaid can't do without; it loads nothing but our
// script and fonts, and shows nothing.
func (s *Server) diagram(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; font-src 'self'; style-src 'self' 'unsafe-inline'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	return s.site.Show(w, http.StatusOK, "diagram.html", mermaid.Version)
}

func serveMermaid(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(mermaid.Script) // the client may have gone
}

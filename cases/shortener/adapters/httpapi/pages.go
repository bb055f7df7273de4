package httpapi

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/web"
	"designkits/shared/problem"
	"designkits/shared/webui"
)

// errNoRoute is an address that means nothing.
var errNoRoute = errors.New("no such route")

// A notAllowed is a method that a route doesn't have.
type notAllowed struct{ allow string }

func (e *notAllowed) Error() string { return "allowed: " + e.allow }

func (s *Server) index(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Security-Policy", webui.FramedBy(s.FramedBy))
	return s.Site.Show(w, http.StatusOK, "index.html", nil)
}

func (s *Server) robots(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=86400")
	_, _ = w.Write([]byte("User-agent: *\nDisallow: /api/\n")) // the client may have gone
	return nil
}

// unknown answers what no other route does: 405 where another method would
// have been right, else 404.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) error {
	var allow []string
	probe := r.Clone(r.Context())
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		probe.Method = method
		if _, pattern := s.mux.Handler(probe); pattern != "/" {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		return &notAllowed{strings.Join(allow, ", ")}
	}
	if !strings.HasPrefix(r.URL.Path, "/api/") && wantsPage(r) {
		s.notice(w, r, errNoRoute)
		return nil
	}
	return errNoRoute
}

// notice tells whoever followed a link why it leads nowhere: a page for a
// person, a problem for a program.
func (s *Server) notice(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody reads it
	}
	p := problemOf(err)
	s.log(r, p, err)
	w.Header().Set("Vary", "Accept")
	if !wantsPage(r) {
		problem.Write(w, p)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", seconds(p.RetryAfter))
	}
	if err := s.Site.Show(w, p.Status, "notice.html", noticeOf(err, p)); err != nil {
		s.Log.ErrorContext(r.Context(), "notice", "error", err.Error())
	}
}

// noticeOf says it to somebody who doesn't know what an API is.
func noticeOf(err error, p problem.Problem) web.Notice {
	switch {
	case errors.Is(err, shortener.ErrNotFound), errors.Is(err, errNoRoute):
		return web.Notice{Title: "There is no such link", Detail: "It may be misspelled: upper and lower case differ. Or it was deleted by whoever made it."}
	case errors.Is(err, shortener.ErrExpired):
		return web.Notice{Title: "This link has expired", Detail: "Whoever made it gave it a time to end, and that has passed. Ask them for a new one."}
	case p.Status == http.StatusTooManyRequests:
		return web.Notice{Title: "Too many requests", Detail: "More links were followed from your address than one person can. Try again in " + seconds(p.RetryAfter) + " s."}
	}
	return web.Notice{Title: "This can't be answered at the moment", Detail: "The fault is on our side. Try again in a few seconds."}
}

// wantsPage reports whether the client takes HTML: browsers name it, and who
// names nothing gets it too. A program that wants JSON says so.
func wantsPage(r *http.Request) bool {
	accepts := r.Header["Accept"]
	for _, accept := range accepts {
		if strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*") {
			return true
		}
	}
	return len(accepts) == 0
}

// seconds writes a duration as Retry-After does, rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

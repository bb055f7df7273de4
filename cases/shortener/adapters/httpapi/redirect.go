package httpapi

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/cases/shortener/web"
)

// What browsers and proxies may keep of a redirect. Each click on a 302 should
// come by: to be counted, and to go where the link leads by then; so it may be
// kept, but not used without asking. A 301 is for keeping; without a bound
// browsers would keep it for good, even after the link is gone.
var askEachTime = []string{"private, no-cache"}

// follow is the redirect, and for "CODE+" the preview.
func (s *Server) follow(w http.ResponseWriter, r *http.Request) {
	began := s.Clock()
	path, client := r.PathValue("code"), s.client(r)
	if code, ok := strings.CutSuffix(path, "+"); ok {
		s.preview(w, r, client, shortener.Code(code))
		return
	}
	link, err := s.resolve(r, client, shortener.Code(path))
	purging := s.tellEdge(w, r, link, err, began)
	if err != nil {
		s.figures.redirected(err, time.Since(began))
		s.notice(w, r, err)
		return
	}
	h := w.Header()
	h["Location"] = []string{link.Target}
	status := http.StatusFound
	h["Cache-Control"] = askEachTime
	if link.Permanent {
		status = http.StatusMovedPermanently
		h["Cache-Control"] = s.keepFor(link, began)
	}
	w.WriteHeader(status)
	if r.Method == http.MethodGet && !purging { // a HEAD is a program that looks
		s.Visits.Record(s.visit(r, client, link.Code, began))
	}
	s.figures.redirected(nil, time.Since(began))
}

// tellEdge says how long the edge may answer by itself, if at all. A request
// with X-Purge comes from the edge on behalf of a replica that has changed the
// link: what it gets replaces what the edge keeps, so it must not be older than
// that version. It is nobody's click.
func (s *Server) tellEdge(w http.ResponseWriter, r *http.Request, link shortener.Link, err error, now time.Time) (purging bool) {
	if s.EdgeFor == 0 {
		return false
	}
	keep := s.EdgeFor
	if left := link.Expires.Sub(now); !link.Expires.IsZero() {
		keep = min(keep, left)
	}
	version, purge := s.purgeOf(r)
	switch {
	case purge && link.Version >= version || purge && errors.Is(err, shortener.ErrNotFound):
		w.Header()[purgedHeader] = []string{strconv.FormatInt(version, 10)}
		keep = max(keep, time.Second) // also what says that there is nothing must take the old entry's place
	case purge: // this replica hasn't heard of the change yet
		keep = time.Second
	case err != nil:
		return false
	}
	if seconds := int(keep / time.Second); seconds > 0 {
		w.Header()["X-Accel-Expires"] = []string{strconv.Itoa(seconds)}
	}
	return purge
}

// The headers of a purge, see adapters/edge: from which version on the edge
// should answer, and does.
const (
	purgeHeader  = "X-Purge"
	purgedHeader = "X-Purged"
)

// purgeOf returns the version that a purge asks for. Only the edge may.
func (s *Server) purgeOf(r *http.Request) (version int64, purge bool) {
	text := r.Header.Get(purgeHeader)
	if text == "" || s.EdgeFor == 0 || !s.viaProxy(r) {
		return 0, false
	}
	version, err := strconv.ParseInt(text, 10, 64)
	return version, err == nil
}

// keepFor bounds a 301 by the end of its link as well.
func (s *Server) keepFor(link shortener.Link, now time.Time) []string {
	if s.PermanentFor == 0 {
		return nil
	}
	keep := s.PermanentFor
	if !link.Expires.IsZero() {
		keep = min(keep, link.Expires.Sub(now))
	}
	return []string{"private, max-age=" + strconv.Itoa(int(keep.Seconds()))}
}

// resolve finds a link for anybody who asks, within the limits of their
// address. An unknown code costs more than a known one.
func (s *Server) resolve(r *http.Request, client netip.Addr, code shortener.Code) (shortener.Link, error) {
	if _, purge := s.purgeOf(r); purge {
		// That there is nothing, too, must not be of before the change.
		s.Resolver.Reread(code)
		return s.Resolver.Resolve(r.Context(), code) // our own edge, by our own wish
	}
	if err := s.Gate.Enter(client); err != nil {
		return shortener.Link{}, err
	}
	if !code.Possible() { // nothing can be learned by asking for it
		return shortener.Link{}, shortener.ErrNotFound
	}
	link, err := s.Resolver.Resolve(r.Context(), code)
	if errors.Is(err, shortener.ErrNotFound) {
		s.Gate.Penalise(client)
	}
	return link, err
}

func (s *Server) visit(r *http.Request, client netip.Addr, code shortener.Code, at time.Time) clicks.Visit {
	v := clicks.Visit{
		Code: code, Time: at,
		Referrer: r.Header.Get("Referer"),
		Agent:    r.Header.Get("User-Agent"),
		Address:  client.String(),
	}
	if s.viaProxy(r) {
		v.Country = r.Header.Get("X-Country")
	}
	return v
}

// preview shows where a link leads. It is not counted as a click.
func (s *Server) preview(w http.ResponseWriter, r *http.Request, client netip.Addr, code shortener.Code) {
	link, err := s.resolve(r, client, code)
	if err != nil {
		s.notice(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "private, no-cache")
	err = s.Site.Show(w, http.StatusOK, "preview.html", web.Preview{
		Short: s.shortOf(link.Code), Target: link.Target, Host: hostOf(link.Target),
		Created: link.Created, Expires: link.Expires, Permanent: link.Permanent,
	})
	if err != nil {
		s.Log.ErrorContext(r.Context(), "preview", "code", string(code), "error", err.Error())
	}
}

func (s *Server) shortOf(code shortener.Code) string { return s.short + string(code) }

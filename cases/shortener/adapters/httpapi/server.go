// Package httpapi is the shortener over HTTP: redirects, the API, the page.
//
// A redirect takes the short way: no middleware, no span unless the caller
// brought one, one token, one look into the cache, one header. Everything else
// goes through handle, where it is measured and where an error becomes a
// problem (RFC 9457) by one table, problems.go.
//
// The API is for API keys: "Authorization: Bearer KEY". A link is seen and
// changed by its owner only; where it leads is anybody's to know, since
// following it tells. Bodies are bounded, and what isn't understood is refused.
// Other sites' pages can't use it: there are no CORS headers, and what a browser
// says comes from another site is refused.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/webui"

	"github.com/prometheus/client_golang/prometheus"
)

// A Config is what a Server is made of. All of it is needed, unless a comment
// says otherwise.
type Config struct {
	Links    *shortener.Links
	Resolver interface { // finds what a code stands for, as *shortener.Resolver does
		Resolve(ctx context.Context, code shortener.Code) (shortener.Link, error)
		Reread(code shortener.Code)
	}
	Stats  clicks.StatsStore
	Keys   shortener.KeyStore
	Visits interface { // it must not block
		Record(clicks.Visit)
	}
	Limiter shortener.Limiter // for the API
	Gate    *shortener.Gate   // for what is followed
	Site    *webui.Site       // index.html, notice.html, preview.html
	System  *System           // what /api/system tells
	NewKeys shortener.Key     // what a new key allows; its Owner is made
	EdgeFor time.Duration     // how long the edge may answer redirects by itself; default not at all
	PerDay  int               // new keys a day and address; default 200
	Public  *url.URL          // where people reach this, without a path
	// FramedBy is the one origin whose pages may show the page in a frame; nobody
	// may when it is empty.
	FramedBy string
	Trusted  []netip.Prefix // proxies whose X-Forwarded-For and X-Country are believed
	Counts   *url.URL       // the analytics process, for live streams
	Log      *slog.Logger   //
	Metrics  prometheus.Registerer
	// Draining is closed when the process begins to stop: streams end.
	Draining <-chan struct{}
	Clock    func() time.Time // default time.Now
	// PermanentFor is how long a 301 may be kept; 0 doesn't say.
	PermanentFor time.Duration
}

// A Server serves the shortener. Handler is its only way in.
type Server struct {
	Config
	keys    *keyRing
	counts  http.Handler
	figures figures
	origin  *http.CrossOriginProtection
	mux     *http.ServeMux
	routes  []route
	short   string // "http://host/", what a code is appended to
}

// New returns a server.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.PerDay == 0 {
		cfg.PerDay = 200
	}
	s := &Server{
		Config:  cfg,
		keys:    newKeyRing(cfg.Keys, cfg.Clock),
		figures: newFigures(cfg.Metrics),
		origin:  http.NewCrossOriginProtection(),
		mux:     http.NewServeMux(),
		short:   cfg.Public.JoinPath("/").String(),
	}
	s.counts = s.countsProxy()
	s.routes = []route{
		{"POST /api/links", s.create},
		{"GET /api/links", s.list},
		{"POST /api/links/bulk", s.bulk},
		{"GET /api/links/{code}", s.get},
		{"PATCH /api/links/{code}", s.update},
		{"DELETE /api/links/{code}", s.remove},
		{"GET /api/links/{code}/stats", s.stats},
		{"GET /api/links/{code}/live", s.live},
		{"GET /api/links/{code}/qr", s.qr},
		{"POST /api/keys", s.newKey},
		{"DELETE /api/owner", s.erase},
		{"GET /api/system", s.system},
		{"GET /api/pipeline", s.pipeline},
		{"GET /api/openapi.yaml", s.openAPI},
		{"GET /robots.txt", s.robots},
		{"GET /{$}", s.index},
		{"/", s.unknown},
	}
	for _, r := range s.routes {
		s.mux.Handle(r.pattern, s.handle(r))
	}
	s.mux.HandleFunc("GET /{code}", s.follow)
	s.mux.Handle("GET /assets/", cfg.Site)
	return s
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler { return s.mux }

// A route is one operation of the API. Its error is answered as a problem.
type route struct {
	pattern string
	serve   func(http.ResponseWriter, *http.Request) error
}

// requestWithin bounds what one request may wait for the stores. Streams have
// no such bound.
const requestWithin = 10 * time.Second

// handle measures an operation, gives it a span and answers its error.
func (s *Server) handle(r route) http.Handler {
	tracer := newTracer(r.pattern)
	observe := s.figures.route(r.pattern)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		began := time.Now()
		ctx, end := tracer.begin(req)
		answer := &recordedAnswer{ResponseWriter: w}
		defer func() { // also when a stream is cut off, which is a panic
			end(answer.written())
			observe(answer.written(), time.Since(began))
		}()
		if err := s.serve(answer, req.WithContext(ctx), r); err != nil {
			s.refuse(answer, req.WithContext(ctx), err)
		}
	})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, route route) error {
	if err := s.origin.Check(r); err != nil {
		return errCrossOrigin
	}
	if !streams(route.pattern) {
		ctx, cancel := context.WithTimeout(r.Context(), requestWithin)
		defer cancel()
		r = r.WithContext(ctx)
	}
	return route.serve(w, r)
}

func streams(pattern string) bool {
	return pattern == "GET /api/links/{code}/live" || pattern == "POST /api/links/bulk"
}

// recordedAnswer remembers the status for the metrics.
type recordedAnswer struct {
	http.ResponseWriter
	status int
}

func (a *recordedAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *recordedAnswer) written() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// Unwrap gives http.ResponseController what it needs to flush.
func (a *recordedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

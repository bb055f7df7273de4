package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
)

// errCountsAway says that the analytics process doesn't answer.
var errCountsAway = errors.New("the analytics process doesn't answer")

// countsProxy passes requests on to the analytics process, which knows no keys:
// who may ask is decided here.
func (s *Server) countsProxy() http.Handler {
	return &httputil.ReverseProxy{
		FlushInterval: -1, // each event at once
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(s.Counts)
			r.Out.Header.Del("Authorization")
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				s.refuse(&recordedAnswer{ResponseWriter: w}, r, errors.Join(errCountsAway, err))
			}
		},
		// A stream that broke off is no news; other errors come by ErrorHandler.
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
}

// live is the stream of a link's clicks, for its owner.
func (s *Server) live(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.owned(w, r); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-s.Draining:
			cancel()
		case <-ended:
		}
	}()
	defer func() { close(ended); <-watched }()
	s.counts.ServeHTTP(w, r.WithContext(ctx))
	return nil
}

// pipeline says how counting is doing. It is no secret.
func (s *Server) pipeline(w http.ResponseWriter, r *http.Request) error {
	if err := s.Gate.Enter(s.client(r)); err != nil {
		return err
	}
	s.counts.ServeHTTP(w, r)
	return nil
}

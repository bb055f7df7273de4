package service

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type check struct {
	name string
	ping func(context.Context) error
}

// routes puts the service's own routes before the handler's. It compares three
// paths, so that hot routes don't pay for a second mux.
func (s *Service) routes(handler http.Handler) http.Handler {
	metrics := promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
		case "/readyz":
			s.readyz(w, r)
		case "/metrics":
			metrics.ServeHTTP(w, r)
		default:
			if r.Header.Get("Traceparent") != "" {
				var end func()
				r, end = inTrace(r)
				defer end()
			}
			handler.ServeHTTP(w, r)
		}
	})
}

// readyz answers 200 when every check passes and 503 otherwise, naming each.
func (s *Service) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	status, checks := http.StatusOK, map[string]string{}
	for _, c := range s.checks {
		checks[c.name] = "ok"
		if err := c.ping(ctx); err != nil {
			status, checks[c.name] = http.StatusServiceUnavailable, firstLine(err.Error())
		}
	}
	select {
	case <-s.draining:
		status, checks["draining"] = http.StatusServiceUnavailable, "the process is stopping"
	default:
	}
	writeJSON(w, status, map[string]any{"service": s.Name, "checks": checks})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

package httpapi_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/httpapi"
	"designkits/cases/shortener/adapters/redis"
	"designkits/cases/shortener/clicks"
	"designkits/cases/shortener/web"
	"designkits/shared/testenv"

	"github.com/prometheus/client_golang/prometheus"
)

const benchTarget = "https://www.postgresql.org/docs/15/sql-select.html"

// warm is the real handler with one link held in process, as a hot one is.
func warm(b *testing.B) http.Handler {
	b.Helper()
	client := redis.Open(testenv.Addr(b, "redis"), testenv.Namespace(b))
	b.Cleanup(func() { _ = client.Close(b.Context()) })
	changes := client.Changes(slog.New(slog.DiscardHandler))
	resolver := shortener.NewResolver(nil, client.Cache(), changes, shortener.ResolverConfig{})
	following := make(chan struct{})
	go func() { defer close(following); _ = resolver.Follow(b.Context()) }()
	b.Cleanup(func() { <-following; resolver.Close() })
	for deadline := time.Now().Add(10 * time.Second); !changes.Live(); {
		if time.Now().After(deadline) {
			b.Fatal("changes are not heard")
		}
		<-time.After(time.Millisecond)
	}
	resolver.Apply(shortener.Entry{Link: shortener.Link{Code: "warm123", Target: benchTarget, Version: 1}})
	site, err := web.New()
	if err != nil {
		b.Fatal(err)
	}
	return httpapi.New(httpapi.Config{
		Resolver: resolver, Visits: clicks.Uncounted{}, Site: site,
		Gate:   shortener.NewGate(1e9, 1e9, 1000, time.Now),
		Public: public, Counts: &url.URL{}, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Log:     slog.New(slog.DiscardHandler),
		Metrics: prometheus.NewRegistry(),
	}).Handler()
}

// bare is what nothing can be faster than.
func bare() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{benchTarget}
		w.WriteHeader(http.StatusFound)
	})
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkHandler is the cost of the handler alone.
func BenchmarkHandler(b *testing.B) {
	for name, handler := range map[string]http.Handler{"bare": bare(), "warm": warm(b)} {
		b.Run(name, func(b *testing.B) {
			req := httptest.NewRequest(http.MethodGet, "/warm123", nil)
			req.RemoteAddr = "127.0.0.1:40000"
			req.Header.Set("X-Forwarded-For", "203.0.113.7")
			b.ReportAllocs()
			for b.Loop() {
				w := &discard{header: http.Header{}}
				handler.ServeHTTP(w, req)
			}
		})
	}
}

// BenchmarkServer is one redirect over HTTP on loopback, connections kept.
func BenchmarkServer(b *testing.B) {
	for name, handler := range map[string]http.Handler{"bare": bare(), "warm": warm(b)} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewServer(handler)
			defer server.Close()
			transport := &http.Transport{MaxIdleConnsPerHost: 64}
			defer transport.CloseIdleConnections()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				req, err := http.NewRequest(http.MethodGet, server.URL+"/warm123", nil)
				if err != nil {
					b.Error(err)
					return
				}
				for pb.Next() {
					resp, err := transport.RoundTrip(req)
					if err != nil {
						b.Error(err)
						return
					}
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusFound {
						b.Error(resp.Status)
						return
					}
				}
			})
		})
	}
}

package gateapi_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/gateapi"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	"designkits/shared/testenv"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"
)

// BenchmarkJoin is one fan that joins over HTTP, against the least that a
// handler can do for a place in a queue: one ZADD.
func BenchmarkJoin(b *testing.B) {
	for name, handler := range map[string]func(*testing.B) http.Handler{"bare": bare, "gate": joining} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewServer(handler(b))
			defer server.Close()
			transport := &http.Transport{MaxIdleConnsPerHost: 256}
			defer transport.CloseIdleConnections()
			fans := make([]http.Header, 20_000)
			for n := range fans {
				fans[n] = benchFan(b, n)
			}
			var turn atomic.Int64
			b.SetParallelism(64)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					req, err := http.NewRequest(http.MethodPost, server.URL+"/api/room/e", nil)
					if err != nil {
						b.Error(err)
						return
					}
					req.Header = fans[turn.Add(1)%int64(len(fans))]
					resp, err := transport.RoundTrip(req)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						b.Error(resp.Status)
						return
					}
				}
			})
		})
	}
}

func benchFan(b *testing.B, n int) http.Header {
	b.Helper()
	earlier := identity.Sessions{Secret: sessions.Secret, Now: func() time.Time { return time.Now().Add(-time.Minute) }}
	token, _, err := earlier.Sign(tickets.Account(fmt.Sprintf("fan-%06d", n)), identity.Fan)
	if err != nil {
		b.Fatal(err)
	}
	return http.Header{
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"},
		"Accept-Language": {"en-GB"}, "Accept-Encoding": {"gzip"}, "Sec-Fetch-Site": {"same-origin"},
		"Authorization": {"Bearer " + token}, "X-Forwarded-For": {fmt.Sprintf("203.%d.%d.1", n/250, n%250)},
	}
}

func bare(b *testing.B) http.Handler {
	client := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(b, "redis"), PoolSize: 64})
	b.Cleanup(func() { _ = client.Close() })
	queue := testenv.Namespace(b) + ":queue"
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next := n.Add(1)
		if err := client.ZAdd(r.Context(), queue, goredis.Z{Score: float64(next), Member: fmt.Sprintf("fan-%06d", next%20_000)}).Err(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
}

func joining(b *testing.B) http.Handler {
	store := redis.Open(testenv.Addr(b, "redis"), testenv.Namespace(b))
	b.Cleanup(func() { _ = store.Close(b.Context()) })
	e := tickets.Event{ID: "e", OnSale: time.Now().Add(time.Hour), Starts: time.Now().Add(2 * time.Hour)}
	quiet, never := slog.New(slog.DiscardHandler), func(tickets.EventID) bool { return false }
	return gateapi.New(gateapi.Config{
		Room: store.Room(), Board: &room.Board{Room: store.Room(), SoldOut: never, Now: time.Now, Log: quiet, Most: 1}, SoldOut: never,
		Event:    func(tickets.EventID) (tickets.Event, error) { return e, nil },
		Sessions: sessions, Passes: passes, LotSecret: []byte("of lots"), Limits: store.Limits(), Rules: bots.Rules,
		Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Work: bots.Work{Secret: []byte("of work"), For: time.Minute, Now: time.Now},
		Now: time.Now, Log: quiet, Metrics: prometheus.NewRegistry(),
	}).Handler()
}

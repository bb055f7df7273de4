package httpapi

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// figures are the server's metrics.
type figures struct {
	requests *prometheus.HistogramVec
	watchers prometheus.GaugeFunc
}

func newFigures(registry prometheus.Registerer, s *Server) figures {
	f := figures{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tickets_request_seconds",
			Help:    "Time in the process of one request of the API, by route and status.",
			Buckets: []float64{5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.05, 0.1, 0.25, 0.5, 1, 5},
		}, []string{"route", "status"}),
		watchers: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tickets_watchers", Help: "Pages that follow the seats.",
		}, func() float64 { return float64(len(s.watching)) }),
	}
	registry.MustRegister(f.requests, f.watchers, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tickets_hold_p99_seconds", Help: "The p99 of holds over the last seconds, as the waiting room is told.",
	}, func() float64 { return s.latency.p99().Seconds() }))
	return f
}

func (f *figures) route(pattern string) func(status int, took time.Duration) {
	return func(status int, took time.Duration) {
		f.requests.WithLabelValues(pattern, strconv.Itoa(status)).Observe(took.Seconds())
	}
}

// latency remembers how long the latest holds took.
type latency struct {
	now func() time.Time

	mu   sync.Mutex
	ring [latencies]sample
	next int
}

type sample struct {
	at   time.Time
	took time.Duration
}

const (
	latencies   = 4096            // holds that are remembered at most
	latencySpan = 5 * time.Second // and for how long they count
)

func newLatency(now func() time.Time) *latency { return &latency{now: now} }

// took notes a hold, granted or refused for the domain's reasons. One that a
// store failed counts as slow as it can be: nobody more should be let in.
func (l *latency) took(d time.Duration, err error) {
	if err != nil && problemOf(err).Status >= 500 {
		d = max(d, requestWithin)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.next] = sample{l.now(), d}
	l.next = (l.next + 1) % len(l.ring)
}

// p99 is that of the last while, 0 where there was none.
func (l *latency) p99() time.Duration {
	l.mu.Lock()
	since := l.now().Add(-latencySpan)
	var took []time.Duration
	for _, s := range l.ring {
		if s.at.After(since) {
			took = append(took, s.took)
		}
	}
	l.mu.Unlock()
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is a provider.Observer that exports what it is told.
type metrics struct {
	requests *prometheus.HistogramVec
	notices  *prometheus.CounterVec
	waiting  prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) metrics {
	m := metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "provider_request_seconds", Help: "Time of one request of the API, by route and status; none is one that isn't answered.",
			Buckets: []float64{1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
		}, []string{"route", "status"}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "provider_notices_total", Help: "Notices that were sent, by what came of it: delivered, failed, given up.",
		}, []string{"outcome"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "provider_notices_waiting", Help: "Notices that nobody has taken yet."}),
	}
	registry.MustRegister(m.requests, m.notices, m.waiting)
	return m
}

func (m metrics) Request(route, status string, took time.Duration) {
	m.requests.WithLabelValues(route, status).Observe(took.Seconds())
}

func (m metrics) Notice(outcome string) { m.notices.WithLabelValues(outcome).Inc() }

func (m metrics) Waiting(notices int) { m.waiting.Set(float64(notices)) }

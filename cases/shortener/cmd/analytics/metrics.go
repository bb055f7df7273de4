package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"designkits/cases/shortener/clicks"
)

// measure registers the figures that tell whether counting is well. Worth an
// alert: commit_age over a minute, or -1 for five (DESIGN.md, Observability).
func measure(registry *prometheus.Registry, state func() clicks.Pipeline, live *clicks.Live) {
	factory := promauto.With(registry)
	gauge := func(name, help string, value func(clicks.Pipeline) float64) {
		factory.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "shortener", Subsystem: "pipeline", Name: name, Help: help},
			func() float64 { return value(state()) })
	}
	gauge("job_running", "1 while the stream job runs.", func(p clicks.Pipeline) float64 {
		if p.Job == clicks.JobRunning {
			return 1
		}
		return 0
	})
	gauge("commit_age_seconds", "Time since the last completed checkpoint; -1 before the first.", func(p clicks.Pipeline) float64 {
		if p.Committed.IsZero() {
			return -1
		}
		return time.Since(p.Committed).Seconds()
	})
	gauge("unread_clicks", "Records of the click log older than five seconds and not counted.", func(p clicks.Pipeline) float64 { return float64(p.Unread) })
	gauge("unapplied_increments", "Increments that wait to be added up.", func(p clicks.Pipeline) float64 { return float64(p.Unapplied) })
	factory.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "shortener", Name: "live_watchers", Help: "Pages that watch a link."},
		func() float64 { return float64(live.Watchers()) })
	counter := func(name, help string, value func(clicks.Pipeline) int64) {
		factory.NewCounterFunc(prometheus.CounterOpts{Namespace: "shortener", Subsystem: "pipeline", Name: name, Help: help},
			func() float64 { return float64(value(state())) })
	}
	counter("submissions_total", "Times that the stream job was submitted.", func(p clicks.Pipeline) int64 { return p.Restarts })
	counter("applied_increments_total", "Increments added up.", func(p clicks.Pipeline) int64 { return p.Applied })
	counter("late_clicks_total", "Clicks that came after their window had closed.", func(p clicks.Pipeline) int64 { return p.Late })
}

package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/messaging/audit"
)

// What becomes of messages.
const (
	sent    = "sent"
	refused = "refused"
	leftOut = "left out"
)

// metrics are what the operator looks at.
type metrics struct {
	messages *prometheus.CounterVec
	sent     prometheus.Histogram
	shown    prometheus.Histogram
}

func newMetrics(r *prometheus.Registry, c *crowd) *metrics {
	seconds := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(.002, 2, 16)})
	}
	m := &metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "crowd_messages_total", Help: "Messages that were written, by what became of them."}, []string{"outcome"}),
		sent:     seconds("crowd_sent_seconds", "From writing a message to its being sent."),
		shown:    seconds("crowd_shown_seconds", "From writing a message to its being on the screen of another, for each of them."),
	}
	r.MustRegister(m.messages, m.sent, m.shown)
	for _, outcome := range []string{sent, refused, leftOut} {
		m.messages.WithLabelValues(outcome) // shown as 0 until there is one
	}
	gauge := func(name, help string, value func() int) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) }))
	}
	gauge("crowd_people", "People who have an account.", func() int { return len(c.all()) })
	gauge("crowd_people_current", "People whose device is connected and has caught up.", func() (n int) {
		for _, p := range c.all() {
			if p.Current() {
				n++
			}
		}
		return n
	})
	gauge("crowd_connections_ended", "Connections that have ended under them.", func() (n int) {
		for _, p := range c.all() {
			n += p.Ends()
		}
		return n
	})
	wrong := func(name, help string, of func(audit.Verdict) int) {
		gauge(name, help, func() int { return of(c.screens.Verdict(time.Now())) })
	}
	wrong("crowd_lost", "Messages that are missing on screens for too long (LATE).", func(v audit.Verdict) int { return v.Lost })
	wrong("crowd_twice", "Messages that stood on a screen twice.", func(v audit.Verdict) int { return v.Twice })
	wrong("crowd_out_of_order", "Messages that stood on a screen in a wrong place.", func(v audit.Verdict) int { return v.OutOfOrder })
	return m
}

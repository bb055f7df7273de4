package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the operator looks at.
type metrics struct {
	applied *prometheus.HistogramVec
	batches prometheus.Histogram
	lost    prometheus.Counter
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		applied: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chat_apply_seconds", Help: "Storing and announcing of committed messages, a batch, by how it ended.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"outcome"}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_batch_messages", Help: "Messages that were stored and announced together.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "chat_partitions_lost_total", Help: "Partitions that the log refused while their lease held."}),
	}
	r.MustRegister(m.applied, m.batches, m.lost)
	return m
}

func (m *metrics) apply(messages int, took time.Duration, err error) {
	outcome := "applied"
	if err != nil {
		outcome = "failed"
	}
	m.applied.WithLabelValues(outcome).Observe(took.Seconds())
	m.batches.Observe(float64(messages))
}

// watch registers what is read from the partitions when somebody asks.
func (m *metrics) watch(r *prometheus.Registry, p *partitions) {
	r.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chat_partitions_owned", Help: "Partitions that this process owns."}, func() float64 {
			return float64(len(p.behind()))
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chat_lag_messages", Help: "Messages that are committed and not applied."}, func() float64 {
			messages := 0
			for _, behind := range p.behind() {
				messages += behind
			}
			return float64(messages)
		}))
}

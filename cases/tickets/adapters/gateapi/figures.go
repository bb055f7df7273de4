package gateapi

import "github.com/prometheus/client_golang/prometheus"

// figures are what the waiting room measures of itself.
type figures struct {
	answered   *prometheus.HistogramVec
	suspected  *prometheus.CounterVec
	challenged *prometheus.CounterVec
}

func newFigures(cfg Config) figures {
	f := figures{
		answered: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gate_answer_seconds", Help: "How long answers took, by route and result; a stream's is its life.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, []string{"route", "result"}),
		suspected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gate_suspected_total", Help: "Requests to join that met a rule of suspicion.",
		}, []string{"rule"}),
		challenged: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gate_challenged_total", Help: "Requests to join that have to work first, by how much.",
		}, []string{"bits"}),
	}
	watchers := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gate_watchers", Help: "Open streams of places.",
	}, func() float64 { return float64(cfg.Board.Watchers()) })
	cfg.Metrics.MustRegister(f.answered, f.suspected, f.challenged, watchers)
	return f
}

package main

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/saga"
	"designkits/cases/tickets/seatmap"
)

// measure registers the worker's metrics and returns what is told of each step.
func measure(r *prometheus.Registry, store *postgres.Saga, seats *seatmap.Announcer) func(tickets.OrderState, saga.What, time.Duration) {
	steps := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "saga_step_seconds", Help: "Steps of orders, by the state they were in and what came of it.",
		Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"state", "outcome"})
	r.MustRegister(steps,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "outbox_unsent", Help: "Events that Kafka hasn't taken; NaN while PostgreSQL is away."}, func() float64 {
			n, err := store.Unsent(context.Background()) // which has a deadline of its own
			if err != nil {
				return math.NaN()
			}
			return float64(n)
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "seat_changes_untold_total", Help: "Changes of seats that other processes weren't told."}, func() float64 {
			return float64(seats.Dropped())
		}))
	return func(s tickets.OrderState, what saga.What, took time.Duration) {
		steps.WithLabelValues(string(s), string(what)).Observe(took.Seconds())
	}
}

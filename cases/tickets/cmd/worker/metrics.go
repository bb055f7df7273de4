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
		counted("outbox_unsent", "Events that Kafka hasn't taken; NaN while PostgreSQL is away.", store.Unsent),
		counted("orders_in_trouble", "Orders whose step has failed and is to be done again; NaN while PostgreSQL is away.", store.InTrouble),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "seat_changes_untold_total", Help: "Changes of seats that other processes weren't told."}, func() float64 {
			return float64(seats.Dropped())
		}))
	return func(s tickets.OrderState, what saga.What, took time.Duration) {
		steps.WithLabelValues(string(s), string(what)).Observe(took.Seconds())
	}
}

// counted is a gauge of what the store counts. Its calls have deadlines of their own.
func counted(name, help string, count func(context.Context) (int, error)) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		n, err := count(context.Background())
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	})
}

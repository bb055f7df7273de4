package main

import (
	"designkits/cases/tickets/seatmap"

	"github.com/prometheus/client_golang/prometheus"
)

// measure exports what the parts of the process count of themselves.
func measure(registry prometheus.Registerer, announcer *seatmap.Announcer) {
	registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "tickets_changes_untold_total", Help: "Changes of seats that the other replicas weren't told.",
	}, func() float64 { return float64(announcer.Dropped()) }))
}

package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/edge"
	"designkits/cases/shortener/adapters/httpapi"
)

// measure exports what the parts of the process count of themselves.
func measure(registry prometheus.Registerer, sys *httpapi.System, failed *failures) {
	counter := func(name, help string, read func() int64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read()) }))
	}
	gauge := func(name, help string, read func() float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
	}
	resolver, recorder := sys.Resolver, sys.Recorder

	counter("shortener_resolved_in_process_total", "Codes answered from the cache in process.", func() int64 { return resolver.Figures().Hits })
	counter("shortener_resolved_shared_total", "Codes answered by Redis.", func() int64 { return resolver.Figures().SharedHits })
	counter("shortener_resolved_store_total", "Codes read from the store of links.", func() int64 { return resolver.Figures().StoreReads })
	counter("shortener_resolved_coalesced_total", "Callers that waited for another's read of the same code.", func() int64 { return resolver.Figures().Coalesced })
	counter("shortener_resolved_stale_total", "Codes answered from memory because no store answered.", func() int64 { return resolver.Figures().Stale })
	counter("shortener_store_errors_total", "Operations that a store failed: of links, keys, counts and salts.", failed.n.Load)
	counter("shortener_shared_errors_total", "Calls of the cache that Redis failed or the breaker refused.", func() int64 { return resolver.Figures().SharedErrors })
	counter("shortener_shared_unfilled_total", "Entries left out of the cache since too many waited to be put there.", func() int64 { return resolver.Figures().Unfilled })
	counter("shortener_limits_local_total", "Charges judged in process because Redis was away.", sys.Limiter.Local)
	gauge("shortener_held_entries", "Entries in the cache in process.", func() float64 { return float64(resolver.Figures().Held) })
	gauge("shortener_changes_untold", "Changes of links that wait to be told to the other replicas.", func() float64 { return float64(sys.Publisher.Waiting()) })
	gauge("shortener_changes_live", "1 while changes of links are heard.", func() float64 { return oneIf(sys.Changes.Live()) })
	gauge("shortener_breaker_open", "1 while the breaker before Redis is open, 0.5 half-open.", func() float64 {
		return map[string]float64{"open": 1, "half-open": 0.5}[sys.Breaker.State()]
	})

	counter("shortener_clicks_recorded_total", "Clicks taken from redirects.", func() int64 { return recorder.State().Recorded })
	counter("shortener_clicks_spooled_total", "Clicks that went to the disk because Kafka was away or slow.", func() int64 { return recorder.State().Spooled })
	counter("shortener_clicks_replayed_total", "Clicks brought from the disk into Kafka.", func() int64 { return recorder.State().Replayed })
	counter("shortener_clicks_dropped_total", "Clicks lost because buffer and disk were full.", func() int64 { return recorder.State().Dropped })
	counter("shortener_clicks_unreadable_total", "Clicks lost because the disk gave back something else.", func() int64 { return recorder.State().Unreadable })
	gauge("shortener_clicks_waiting", "Clicks on disk that wait for Kafka.", func() float64 { return float64(recorder.State().Waiting) })
}

// failures counts the operations that stores have failed; what they refuse isn't one.
type failures struct{ n atomic.Int64 }

func (f *failures) observe(_ string, _ time.Duration, err error) {
	if err != nil && !shortener.Expected(err) && !errors.Is(err, context.Canceled) {
		f.n.Add(1)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// measureEdge tells what of the edge's log could not be understood.
func measureEdge(registry prometheus.Registerer, front *edge.Edge) {
	registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "shortener_edge_log_unreadable_total", Help: "Messages of the edge that were no click.",
	}, func() float64 { return float64(front.Unreadable()) }))
}

package main

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/messaging/adapters/websocket"
)

// metrics are what the operator looks at. They are the connection layer's
// Observer.
type metrics struct {
	opened   prometheus.Counter
	closed   *prometheus.CounterVec
	refused  *prometheus.CounterVec
	received prometheus.Counter
	sent     prometheus.Counter
	lagged   prometheus.Counter
	panicked prometheus.Counter
	commit   prometheus.Histogram
}

var _ websocket.Observer = (*metrics)(nil)

func newMetrics(r *prometheus.Registry) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		opened:   counter("gateway_connections_opened_total", "Connections that were opened."),
		closed:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gateway_connections_closed_total", Help: "Connections that have ended, by code."}, []string{"code"}),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gateway_handshakes_refused_total", Help: "Handshakes that were refused, by why."}, []string{"why"}),
		received: counter("gateway_received_bytes_total", "Bytes of frames that devices have sent."),
		sent:     counter("gateway_sent_bytes_total", "Bytes that were sent to devices."),
		lagged:   counter("gateway_lagged_total", "Devices that read too slowly and had to catch up."),
		panicked: counter("gateway_panics_total", "Connections that ended with an error of this side."),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gateway_commit_seconds", Help: "From a device's message to its commit.", Buckets: prometheus.ExponentialBuckets(.001, 2, 14),
		}),
	}
	r.MustRegister(m.opened, m.closed, m.refused, m.received, m.sent, m.lagged, m.panicked, m.commit)
	return m
}

func (m *metrics) took(d time.Duration) { m.commit.Observe(d.Seconds()) }

func (m *metrics) Opened()                       { m.opened.Inc() }
func (m *metrics) Closed(code websocket.Code)    { m.closed.WithLabelValues(code.String()).Inc() }
func (m *metrics) Refused(why websocket.Refusal) { m.refused.WithLabelValues(string(why)).Inc() }
func (m *metrics) Received(bytes int)            { m.received.Add(float64(bytes)) }
func (m *metrics) Sent(_, bytes int)             { m.sent.Add(float64(bytes)) }
func (m *metrics) Lagged()                       { m.lagged.Inc() }
func (m *metrics) Panicked(any)                  { m.panicked.Inc() }

// watch registers what is read from the gateway when somebody asks.
func (m *metrics) watch(r *prometheus.Registry, g *gateway) {
	count := func(name, help string, n *atomic.Int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(n.Load()) }))
	}
	counts := &g.hub.Counts
	count("gateway_messages_sent_total", "Messages of devices that were committed.", &counts.Sent)
	count("gateway_messages_delivered_total", "Messages and notices that were brought to devices as they came.", &counts.Delivered)
	count("gateway_frames_refused_total", "Frames that couldn't be followed.", &counts.Refused)
	count("gateway_told_total", "Devices told of what is stored nowhere.", &counts.Told)
	count("gateway_caught_up_total", "Devices that have caught up.", &counts.Caught)
	count("gateway_pages_read_total", "Pages of histories that were read from Cassandra, each for all who asked for it meanwhile.", &g.history.Reads)
	count("gateway_acknowledged_total", "Acknowledgements of devices.", &counts.Acknowledged)
	r.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gateway_connections", Help: "Connections there are."}, func() float64 {
			return float64(g.connections.Connections())
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gateway_devices", Help: "Devices that are connected."}, func() float64 {
			return float64(g.hub.Devices())
		}))
}

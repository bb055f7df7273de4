// Package link is the way between a process and a backend, with faults on it:
// slow, cut, and whole again. The process is given the link's address in place
// of the backend's.
//
// The way is toxiproxy in this process. A fault holds for the connections that
// are open as well as for new ones, and ends with Mend or Close.
package link

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"designkits/shared/hold"
)

// A Link passes connections on to one address. Its methods may be called by
// many goroutines.
type Link struct {
	proxy   *toxiproxy.Proxy
	addr    string
	release func() // of the port, which nobody else may take while the link is cut

	mu  sync.Mutex
	cut bool
}

// Open listens on a free loopback port and passes on to upstream.
func Open(upstream string) (*Link, error) {
	metrics := toxiproxy.NewMetricsContainer(prometheus.NewRegistry())
	server := toxiproxy.NewServer(metrics, zerolog.Nop())
	addr, release, err := hold.Port()
	if err != nil {
		return nil, fmt.Errorf("open a link to %s: %w", upstream, err)
	}
	l := &Link{proxy: toxiproxy.NewProxy(server, "link", addr, upstream), addr: addr, release: release}
	if err := l.proxy.Start(); err != nil {
		release()
		return nil, fmt.Errorf("open a link to %s: %w", upstream, err)
	}
	return l, nil
}

// Addr is where the process connects to. It stays the same through all faults.
func (l *Link) Addr() string { return l.addr }

// Delay holds each answer back for d. It replaces an earlier delay.
func (l *Link) Delay(d time.Duration) error {
	l.proxy.Toxics.ResetToxics(context.Background())
	toxic, err := json.Marshal(map[string]any{
		"name": "delay", "type": "latency", "stream": "downstream",
		"attributes": map[string]any{"latency": d.Milliseconds()},
	})
	if err != nil {
		return fmt.Errorf("delay the link to %s: %w", l.proxy.Upstream, err)
	}
	if _, err := l.proxy.Toxics.AddToxicJson(bytes.NewReader(toxic)); err != nil {
		return fmt.Errorf("delay the link to %s: %w", l.proxy.Upstream, err)
	}
	return nil
}

// Cut closes all connections and refuses new ones, as a backend that has died.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.cut {
		l.proxy.Stop()
		l.cut = true
	}
}

// Mend ends all faults.
func (l *Link) Mend() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proxy.Toxics.ResetToxics(context.Background())
	if !l.cut {
		return nil
	}
	if err := l.proxy.Start(); err != nil {
		return fmt.Errorf("mend the link to %s: %w", l.proxy.Upstream, err)
	}
	l.cut = false
	return nil
}

// Close ends the link and all connections through it.
func (l *Link) Close() {
	l.proxy.Toxics.ResetToxics(context.Background())
	l.Cut()
	l.release()
}

package cassandra

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A proxy is a way to the real Cassandra that a test can break.
type proxy struct {
	listener net.Listener
	server   string
	swallow  atomic.Bool // answers are thrown away
	refuse   atomic.Bool // new connections are closed at once

	mu    sync.Mutex
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: server, conns: map[net.Conn]bool{}}
	p.all.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		p.all.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil || p.refuse.Load() {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		p.all.Go(func() { p.copy(server, client, nil) })
		p.all.Go(func() { p.copy(client, server, &p.swallow) })
	}
}

// copy carries bytes one way until either side closes, then closes both.
func (p *proxy) copy(to, from net.Conn, swallow *atomic.Bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && (swallow == nil || !swallow.Load()) {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
	p.mu.Lock()
	delete(p.conns, to)
	delete(p.conns, from)
	p.mu.Unlock()
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

package websocket

import (
	"net"
	"net/netip"
	"sync"

	"designkits/shared/peer"
)

// Handshakes limits how many connections of one network may be open that are no
// WebSocket connections (yet): who opens many and says nothing, or a byte now and
// then, gets no further than that, and an http.Server with a ReadHeaderTimeout
// ends each. What is over the limit is closed without a word. Behind a proxy it
// is the proxy's business, since all come from one address.
func Handshakes(l net.Listener, perNetwork int, observer Observer) net.Listener {
	if observer == nil {
		observer = blind{}
	}
	return &handshakes{Listener: l, observer: observer, addresses: addresses{most: perNetwork}}
}

type handshakes struct {
	net.Listener
	observer  Observer
	addresses addresses
}

// Accept implements net.Listener.
func (h *handshakes) Accept() (net.Conn, error) {
	for {
		conn, err := h.Listener.Accept()
		if err != nil {
			return nil, err
		}
		var network netip.Addr
		if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
			network = peer.Network(tcp.AddrPort().Addr())
		}
		if h.addresses.take(network) {
			return &unfinished{Conn: conn, finished: sync.OnceFunc(func() { h.addresses.release(network) })}, nil
		}
		h.observer.Refused(RefusedUnfinished)
		_ = conn.Close() // it was of no use to anybody
	}
}

// An unfinished connection counts until it is closed or upgraded.
type unfinished struct {
	net.Conn
	finished func()
}

func (u *unfinished) Close() error {
	u.finished()
	return u.Conn.Close()
}

package httpapi

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// client returns the address that a request is made from: the peer's, or where
// the peer is a trusted proxy the last one in X-Forwarded-For that is not a
// trusted proxy too. What stands further left is what anybody may claim.
func (s *Server) client(r *http.Request) netip.Addr {
	addr := peer(r)
	if !s.trusted(addr) {
		return addr
	}
	fields := r.Header["X-Forwarded-For"]
	for i := len(fields) - 1; i >= 0; i-- {
		for rest := fields[i]; rest != ""; {
			last := rest
			rest = ""
			if comma := strings.LastIndexByte(last, ','); comma >= 0 {
				last, rest = last[comma+1:], last[:comma]
			}
			hop, err := netip.ParseAddr(strings.TrimSpace(last))
			if err != nil {
				return addr
			}
			if addr = hop.Unmap(); !s.trusted(addr) {
				return addr
			}
		}
	}
	return addr
}

// peer is who is connected, or an invalid address for a test without one.
func peer(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap()
}

func (s *Server) trusted(addr netip.Addr) bool {
	for _, proxies := range s.Trusted {
		if proxies.Contains(addr) {
			return true
		}
	}
	return false
}

// hostOf is the host of a stored target, which was checked.
func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	return u.Host
}

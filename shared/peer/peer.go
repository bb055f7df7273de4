// Package peer tells where a request comes from.
package peer

import (
	"net/http"
	"net/netip"
	"strings"
)

// Address returns the address that a request is made from: the peer's, or where
// the peer is a trusted proxy the last one in X-Forwarded-For that is not a
// trusted proxy too. What stands further left is what anybody may claim. For a
// request without a peer it is not valid.
func Address(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr := Connected(r)
	if !Trusts(trusted, addr) {
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
			if addr = hop.Unmap(); !Trusts(trusted, addr) {
				return addr
			}
		}
	}
	return addr
}

// Connected is who is connected, be it a proxy; not valid for a request that
// came over no network.
func Connected(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap()
}

// Trusts reports whether the address is one of these networks'.
func Trusts(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Network is what one customer of a provider has: an IPv4 address, or the /64
// that its IPv6 address is in, within which anyone can have a new address for
// every request.
func Network(addr netip.Addr) netip.Addr {
	if addr = addr.Unmap(); addr.Is4() || !addr.IsValid() {
		return addr
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil { // an IPv6 address has 64 bits
		return addr
	}
	return prefix.Addr()
}

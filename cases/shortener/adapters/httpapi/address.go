package httpapi

import (
	"net/http"
	"net/netip"
	"net/url"

	"designkits/shared/peer"
)

// client returns the address that a request is made from.
func (s *Server) client(r *http.Request) netip.Addr { return peer.Address(r, s.Trusted) }

// viaProxy reports whether a trusted proxy brought the request.
func (s *Server) viaProxy(r *http.Request) bool { return peer.Trusts(s.Trusted, peer.Connected(r)) }

// hostOf is the host of a stored target, which was checked.
func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	return u.Host
}

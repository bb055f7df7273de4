package identity

import (
	"net/http"
	"strings"
)

// Protocol is the WebSocket subprotocol that a gateway speaks: the frames of
// package wire.
const Protocol = "messaging.v1"

// A browser can't set headers of a WebSocket handshake, but for the list of
// subprotocols. So a page offers, besides Protocol, one more whose name is its
// token: "messaging.v1, bearer.TOKEN". In the address the token would end up in
// histories and in every proxy's log; in a cookie any page of another site could
// have the browser send it, and two windows couldn't be two people.
const (
	bearerPrefix = "bearer."
	resumePrefix = "resume."
)

// Bearer and Resume are what a client offers besides Protocol.
func Bearer(token string) string { return bearerPrefix + token }

// Resume is Bearer for a resume token.
func Resume(token string) string { return resumePrefix + token }

// OfHandshake returns the session of a WebSocket handshake: of the resume token
// or else the device token among its subprotocols, or of its Authorization header
// where a program has set one.
func (t Tokens) OfHandshake(r *http.Request) (Session, error) {
	for _, field := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offer := range strings.SplitSeq(field, ",") {
			offer = strings.TrimSpace(offer)
			if token, ok := strings.CutPrefix(offer, resumePrefix); ok {
				return t.CheckResume(token)
			}
			if token, ok := strings.CutPrefix(offer, bearerPrefix); ok {
				return t.Check(token)
			}
		}
	}
	return t.Of(r)
}

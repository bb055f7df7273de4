package websocket

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"designkits/shared/problem"
)

// handshakeTimeout is for the answer to a handshake. The request's own is that of
// the http.Server (ReadHeaderTimeout).
const handshakeTimeout = 5 * time.Second

// A frame is made in one of these buffers and copied to what is written.
var frameBuffers sync.Pool

const frameBuffer = 1 << 10

// newUpgrader returns gorilla's part. It would give each connection a read buffer,
// which none uses; 1 is the smallest that it understands, and makes it 125 bytes.
func (s *Server) newUpgrader() websocket.Upgrader {
	return websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   1, WriteBufferSize: frameBuffer, WriteBufferPool: &frameBuffers,
		Subprotocols: s.config.Protocols,
		CheckOrigin:  func(*http.Request) bool { return true }, // Handler has
		Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
			w.Header().Set("Sec-WebSocket-Version", "13")
			problem.Write(w, problem.Problem{Type: "/problems/websocket-handshake", Title: "This is no WebSocket handshake", Status: status,
				Detail: strings.TrimPrefix(reason.Error(), "websocket: ")})
		},
	}
}

// Handler returns the endpoint. For a handshake that it lets in, open returns the
// session, or nil when it has answered the request itself. A request that is no
// handshake, comes from a page that may not, or goes over a limit never gets to open.
func (s *Server) Handler(open func(w http.ResponseWriter, r *http.Request) Session) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why, p := s.refuse(r); p != nil {
			s.turnAway(w, why, *p)
			return
		}
		c := &Conn{server: s, addr: s.config.Address(r), busy: true}
		if !s.addresses.take(c.addr) {
			s.turnAway(w, RefusedAddress, tooMany)
			return
		}
		var ok bool
		if c.at, ok = s.table.add(c, s.config.Connections); !ok {
			s.addresses.release(c.addr)
			if s.draining.Load() {
				s.turnAway(w, RefusedDraining, draining)
			} else {
				s.turnAway(w, RefusedFull, full)
			}
			return
		}
		upgraded := false
		defer func() { // also when open panics, which net/http survives
			if !upgraded {
				s.table.remove(c.at)
				s.addresses.release(c.addr)
			}
		}()
		if why := s.upgrade(c, w, r, open); why != "" {
			s.config.Observer.Refused(why)
			return
		}
		upgraded = true
		s.config.Observer.Opened()
		c.begin()
	})
}

// turnAway answers a handshake with a problem.
func (s *Server) turnAway(w http.ResponseWriter, why Refusal, p problem.Problem) {
	s.config.Observer.Refused(why)
	problem.Write(w, p)
}

// What is said to who is turned away.
var (
	draining = problem.Problem{Type: "/problems/gateway-draining", Title: "This gateway is about to stop",
		Status: http.StatusServiceUnavailable, Detail: "Connect to another.", RetryAfter: time.Second}
	full = problem.Problem{Type: "/problems/gateway-full", Title: "This gateway is full",
		Status: http.StatusServiceUnavailable, Detail: "Connect to another, or try again.", RetryAfter: 5 * time.Second}
	tooMany = problem.Problem{Type: "/problems/too-many-connections", Title: "Too many connections from one address",
		Status: http.StatusTooManyRequests, Detail: "Close one of them, or wait until one has ended.", RetryAfter: 10 * time.Second}
	noHandshake = problem.Problem{Type: "/problems/websocket-handshake", Title: "This is no WebSocket handshake",
		Status: http.StatusUpgradeRequired, Detail: "Ask for it with Connection: Upgrade and Upgrade: websocket, version 13."}
	otherOrigin = problem.Problem{Type: "/problems/origin", Title: "A page of this origin may not connect",
		Status: http.StatusForbidden, Detail: "Connect from a page that this service serves, or have its origin allowed."}
)

// refuse says what speaks against a handshake before anything is looked up for it.
func (s *Server) refuse(r *http.Request) (Refusal, *problem.Problem) {
	switch {
	case s.draining.Load():
		return RefusedDraining, &draining
	case !websocket.IsWebSocketUpgrade(r):
		return RefusedHandshake, &noHandshake
	case !s.mayConnect(r):
		return RefusedOrigin, &otherOrigin
	}
	return "", nil
}

// mayConnect reports whether a request comes from a page that may.
func (s *Server) mayConnect(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(s.config.Origins, "*") || slices.Contains(s.config.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// upgrade asks for the session and makes the handshake. The session comes first:
// who isn't let in gets a status that says why. A refusal has been answered.
func (s *Server) upgrade(c *Conn, w http.ResponseWriter, r *http.Request, open func(http.ResponseWriter, *http.Request) Session) Refusal {
	if c.session = open(w, r); c.session == nil {
		return RefusedByOpen
	}
	upgrader := s.upgrader
	c.deflate = s.config.CompressAbove >= 0 && offersDeflate(r.Header)
	upgrader.EnableCompression = c.deflate
	ws, err := upgrader.Upgrade(&hijacker{w, &c.socket}, r, nil)
	if err != nil {
		return RefusedHandshake
	}
	c.ws = ws
	c.socket.upgraded(s.config.alone)
	c.heard.Store(time.Now().UnixNano())
	return ""
}

// A hijacker puts our socket between gorilla and the connection.
type hijacker struct {
	http.ResponseWriter
	socket *socket
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, errors.Join(errors.New("the connection can't be taken over"), err)
	}
	h.socket.Conn = conn
	return h.socket, buffers, nil
}

// offersDeflate reports whether one of the client's offers of permessage-deflate
// can be accepted: compress/flate has one size of window, 2^15 bytes, so an offer
// that asks for a smaller one of ours can't (RFC 7692, §7.1.2.1).
func offersDeflate(header http.Header) bool {
	for _, field := range header.Values("Sec-WebSocket-Extensions") {
		for offer := range strings.SplitSeq(field, ",") {
			name, parameters, _ := strings.Cut(offer, ";")
			if strings.TrimSpace(name) != "permessage-deflate" {
				continue
			}
			acceptable := true
			for parameter := range strings.SplitSeq(parameters, ";") {
				key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
				if key == "server_max_window_bits" && strings.Trim(value, `"`) != "15" {
					acceptable = false
				}
			}
			if acceptable {
				return true
			}
		}
	}
	return false
}

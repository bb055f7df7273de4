// Package gateapi is the waiting room over HTTP: joining, one's place, and the
// pass that booking asks for.
//
// Half a million people come within a minute, so a request to join costs one
// round trip to Redis for what was tried and one for the place, both shared with
// others that are under way; who asks says the session's signature alone.
//
// A POST here needs no Idempotency-Key: an account has one place in an event's
// room whatever it sends, so a repetition is harmless by itself.
package gateapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"

	"github.com/prometheus/client_golang/prometheus"
)

// A Config is what a Server is made of. All of it is needed, unless a comment
// says otherwise.
type Config struct {
	Room  room.Room
	Board *room.Board // whose Run the process runs
	// Event returns an event, else tickets.ErrUnknown or room.ErrNotYet. It must
	// not wait.
	Event     func(tickets.EventID) (tickets.Event, error)
	SoldOut   func(tickets.EventID) bool // as the Board's
	Sessions  identity.Sessions
	Passes    room.Passes
	LotSecret []byte // the lottery is drawn with it; it must stay the same while anybody waits
	Limits    bots.Limits
	Work      bots.Work
	Rules     []bots.Rule    // what is suspected; none for no work for anybody
	Trusted   []netip.Prefix // proxies whose X-Forwarded-For is believed
	Now       func() time.Time
	Log       *slog.Logger
	Metrics   prometheus.Registerer
	// Draining is closed when the process begins to stop: streams end.
	Draining <-chan struct{}
}

// A Server serves the waiting room. Handler is its only way in.
type Server struct {
	Config
	origin  *http.CrossOriginProtection
	figures figures
	mux     *http.ServeMux
	opened  sync.Map // of tickets.EventID: rooms that this process knows to be open
}

// New returns a server.
func New(cfg Config) *Server {
	s := &Server{Config: cfg, origin: http.NewCrossOriginProtection(), mux: http.NewServeMux(), figures: newFigures(cfg)}
	for pattern, serve := range s.routes() {
		s.handle(pattern, serve)
	}
	s.handle("/", func(http.ResponseWriter, *http.Request) error { return errNoRoute })
	return s
}

type serve func(http.ResponseWriter, *http.Request) error

func (s *Server) routes() map[string]serve {
	return map[string]serve{
		"POST /api/room/{event}":     s.join,
		"GET /api/room/{event}":      s.place,
		"DELETE /api/room/{event}":   s.leave,
		"GET /api/room/{event}/live": s.live,
		"GET /api/room/openapi.yaml": s.openAPI,
	}
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler { return s.mux }

// answerIn bounds what a request waits for Redis, unless it streams: then each
// call has that bound of its own.
const answerIn = 2 * time.Second

// handle adds an operation, measures it, and answers its error as a problem.
func (s *Server) handle(pattern string, serve serve) {
	ok := s.figures.answered.WithLabelValues(pattern, "ok")
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		err := s.origin.Check(r)
		if err != nil {
			err = errCrossOrigin
		} else {
			err = serve(w, r)
		}
		answered := ok
		if err != nil {
			answered = s.figures.answered.WithLabelValues(pattern, s.refuse(w, r, err))
		}
		answered.Observe(time.Since(began).Seconds())
	})
}

// asks returns which event a request is about and which fan asks.
func (s *Server) asks(r *http.Request) (tickets.Event, identity.Session, error) {
	session, err := s.Sessions.Of(r)
	if err != nil {
		return tickets.Event{}, session, err
	}
	if session.Role != identity.Fan {
		return tickets.Event{}, session, errNotAFan
	}
	e, err := s.Event(tickets.EventID(r.PathValue("event")))
	if err == nil && !s.Now().Before(e.Starts) {
		err = errOver
	}
	return e, session, err
}

// lookUp returns where an account stands.
func (s *Server) lookUp(ctx context.Context, event tickets.EventID, account tickets.Account) (room.Place, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	places, err := s.Room.Places(ctx, event, account)
	if err != nil {
		return room.Place{}, err
	}
	return places[0], nil
}

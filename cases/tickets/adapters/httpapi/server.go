// Package httpapi is booking over HTTP: the seats as they change, holds, orders,
// tickets, and what organisers and doors need.
//
// Who asks is in the request's session (package identity): fans see and change
// what is theirs, and nothing tells them of anything else. Every POST that
// changes something takes an Idempotency-Key. Bodies are bounded, and what isn't
// understood is refused. Every error is a problem (RFC 9457) by one table,
// problems.go. Other sites' pages can't use the API: there are no CORS headers,
// the cookie is SameSite=Strict, and what a browser says comes from another site
// is refused.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/receipt"
	"designkits/cases/tickets/room"
	"designkits/cases/tickets/seatmap"
	"designkits/cases/tickets/ticketcode"

	"github.com/prometheus/client_golang/prometheus"
)

// A Config is what a Server is made of. All of it is needed, unless a comment
// says otherwise.
type Config struct {
	Halls    *seatmap.Halls
	Claims   tickets.Claims // that tell what has changed
	Events   tickets.Events
	Orders   tickets.Orders
	Tickets  tickets.Tickets
	Messages tickets.Messages
	Waitlist tickets.Waitlist
	Keys     tickets.Keys
	Attempts tickets.Attempts
	Inbox    Inbox
	Moves    Moves
	Signer   *ticketcode.Signer
	Pressure Pressure

	Sessions identity.Sessions
	Passes   room.Passes
	Receipts receipt.Receipts
	// What opens a session of the organiser's or the door's.
	OrganiserSecret, DoorSecret string
	WebhookSecret               []byte

	Holds   *bots.Holds    // how often an account may hold
	Trusted []netip.Prefix // proxies whose X-Forwarded-For is believed; may be empty

	// AddSeats makes what an event's claims need before its seats can be held; nil
	// where that is nothing.
	AddSeats func(ctx context.Context, event tickets.EventID, seats []tickets.SeatID) error
	PayFor   time.Duration // how long the seats are kept for a payment
	Page     http.Handler  // serves what isn't the API's; nil for nothing
	Replica  string        // its name among booking's replicas
	Watchers int           // how many may follow seats at once; default 10,000
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	// Draining is closed when the process begins to stop: streams end.
	Draining <-chan struct{}
	Clock    func() time.Time // default time.Now
}

// Inbox takes the payment provider's news.
type Inbox interface {
	// Notice keeps the news unless it is known or older than what is known.
	Notice(ctx context.Context, n payments.Notice) error
}

// Pressure tells the waiting room how long holds take.
type Pressure interface {
	// Report says what the p99 of a replica's holds was over the last seconds;
	// zero when it was asked for none.
	Report(ctx context.Context, replica string, p99 time.Duration) error
}

// A Server serves booking. Handler is its only way in; Run must run beside it.
type Server struct {
	Config
	figures  figures
	latency  *latency
	door     *ticketcode.Door
	watching chan struct{} // a token a watcher
	origin   *http.CrossOriginProtection
	mux      *http.ServeMux
	routes   []route
}

// New returns a server.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Watchers == 0 {
		cfg.Watchers = 10_000
	}
	s := &Server{
		Config: cfg, door: cfg.Signer.Door(), latency: newLatency(cfg.Clock), watching: make(chan struct{}, cfg.Watchers),
		origin: http.NewCrossOriginProtection(), mux: http.NewServeMux(),
	}
	s.figures = newFigures(cfg.Metrics, s)
	s.routes = []route{
		{"POST /api/session", s.newSession},
		{"GET /api/session", s.session},
		{"GET /api/events", s.events},
		{"GET /api/events/{event}", s.event},
		{"PUT /api/events/{event}", s.putEvent},
		{"GET /api/events/{event}/map", s.layout},
		{"GET /api/events/{event}/seats", s.seats},
		{"GET /api/events/{event}/live", s.live},
		{"POST /api/events/{event}/holds", s.hold},
		{"POST /api/events/{event}/holds/{hold}/extend", s.extend},
		{"DELETE /api/events/{event}/holds/{hold}", s.release},
		{"POST /api/events/{event}/orders", s.place},
		{"GET /api/events/{event}/orders", s.ordersOfEvent},
		{"POST /api/events/{event}/vouchers", s.putVoucher},
		{"POST /api/events/{event}/move", s.move},
		{"GET /api/events/{event}/move", s.lastMove},
		{"GET /api/events/{event}/figures", s.eventFigures},
		{"GET /api/events/{event}/waitlist", s.standing},
		{"DELETE /api/events/{event}/waitlist", s.leave},
		{"POST /api/events/{event}/waitlist", s.wait},
		{"GET /api/orders", s.orders},
		{"GET /api/orders/{order}", s.order},
		{"POST /api/orders/{order}/refund", s.refund},
		{"GET /api/tickets/{ticket}", s.ticket},
		{"GET /api/messages", s.messages},
		{"POST /api/door/check-in", s.checkIn},
		{"POST /api/webhooks/payments", s.notice},
		{"GET /api/openapi.yaml", s.openAPI},
		{"/api/", s.unknown},
	}
	for _, r := range s.routes {
		s.mux.Handle(r.pattern, s.handle(r))
	}
	if cfg.Page != nil {
		s.mux.Handle("/", cfg.Page)
	} else {
		s.mux.Handle("/", s.handle(route{"/", s.unknown}))
	}
	return s
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler { return s.mux }

// Run reports how long holds take until the context ends.
func (s *Server) Run(ctx context.Context) error {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			bounded, cancel := context.WithTimeout(ctx, time.Second)
			if err := s.Pressure.Report(bounded, s.Replica, s.latency.p99()); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "how long holds take can't be told", "error", err.Error())
			}
			cancel()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A route is one operation of the API. Its error is answered as a problem.
type route struct {
	pattern string
	serve   func(http.ResponseWriter, *http.Request) error
}

const (
	// requestWithin bounds what one request may wait for the stores. Streams have
	// no such bound.
	requestWithin = 10 * time.Second
	// maxBody is the largest body of a request, in bytes.
	maxBody = 64 << 10
)

// handle measures an operation, bounds it and answers its error.
func (s *Server) handle(r route) http.Handler {
	observe := s.figures.route(r.pattern)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		began := time.Now()
		answer := &recordedAnswer{ResponseWriter: w}
		defer func() { observe(answer.written(), time.Since(began)) }()
		if err := s.serve(answer, req, r); err != nil {
			s.refuse(answer, req, err)
		}
	})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, route route) error {
	if err := s.origin.Check(r); err != nil {
		return errCrossOrigin
	}
	if route.pattern != "GET /api/events/{event}/live" {
		ctx, cancel := context.WithTimeout(r.Context(), requestWithin)
		defer cancel()
		r = r.WithContext(ctx)
	}
	return route.serve(w, r)
}

// recordedAnswer remembers the status for the metrics.
type recordedAnswer struct {
	http.ResponseWriter
	status int
}

func (a *recordedAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *recordedAnswer) written() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// Unwrap gives http.ResponseController what it needs to flush.
func (a *recordedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

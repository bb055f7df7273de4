// Package gatewayapi is what a gateway serves over HTTP:
//
//	GET /connect       the WebSocket of a device, which shows its token
//	GET /api/gateways  the gateways there are, for a device whose own has gone
//	/api/operator…     what operators see, see operator.yaml
//	/api/media…, /api/ passed on to the processes that serve them
//	GET /              the page
//
// A page asks the gateway that it came from, and when that is gone another one, which
// is another origin to the browser: pages of all gateways may ask at each.
//
// A handshake is refused with a problem before it becomes a connection: without a
// token, with one of a device that was signed out, with a resume token that was
// used before, or when one address or person connects too often.
package gatewayapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/operator"
	"designkits/cases/messaging/session"
	"designkits/shared/httpjson"
	"designkits/shared/peer"
	"designkits/shared/problem"
)

// Tries counts tries and spends resume tokens, for all gateways together.
type Tries interface {
	session.Limits
	// Spend marks a resume token as used, and reports whether it was the first to.
	// After an error it may have been.
	Spend(ctx context.Context, once string, until time.Time) (first bool, err error)
}

// Config is what a Server needs.
type Config struct {
	Hub       *session.Hub
	Tokens    identity.Tokens
	Tries     Tries
	SignedOut func(context.Context, messaging.Address) (bool, error)
	Accounts  messaging.Accounts
	// Gateways are those that are there now.
	Gateways func() []operator.Process
	// Ready reports whether what is announced to devices is heard here.
	Ready func() bool
	// How often an address, and a person, may connect in a minute.
	PerAddress, PerPerson int
	Trusted               []netip.Prefix // proxies whose X-Forwarded-For is believed
	Origins               []string       // of all gateways: their pages may ask here
	Keys, Media           string         // URLs of these processes; "" where there is none
	Operator              Operator
	Page                  http.Handler
	Log                   *slog.Logger
}

// A Server serves a gateway.
type Server struct{ cfg Config }

// New returns a server.
func New(cfg Config) *Server { return &Server{cfg} }

// Handler returns all routes; connect is the connection layer's, which calls Open.
func (s *Server) Handler(connect http.Handler) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /connect", connect)
	mux.Handle("GET /api/gateways", s.fromOrigins(http.HandlerFunc(s.gateways)))
	s.operatorRoutes(mux)
	for path, to := range map[string]string{"/api/": s.cfg.Keys, "/api/media": s.cfg.Media, "/api/media/": s.cfg.Media} {
		proxy, err := s.proxy(to)
		if err != nil {
			return nil, err
		}
		mux.Handle(path, s.fromOrigins(proxy))
	}
	mux.Handle("/", s.cfg.Page)
	return mux, nil
}

// admitWithin bounds what is looked up for a handshake.
const admitWithin = 3 * time.Second

// Open returns the session of a handshake that it lets in, or nil when it has
// answered it.
func (s *Server) Open(w http.ResponseWriter, r *http.Request) *session.Session {
	ctx, cancel := context.WithTimeout(r.Context(), admitWithin)
	defer cancel()
	who, err := s.admit(ctx, r)
	if err != nil {
		s.refuse(w, r, err)
		return nil
	}
	renewed, err := s.cfg.Tokens.Renew(who)
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "a token isn't renewed", "error", err.Error()) // at the next connection
	}
	return s.cfg.Hub.New(who.Device, renewed)
}

// The errors of a handshake, besides those of tokens.
var (
	errNotReady = errors.New("this gateway has just begun: connect to another, or again in a moment")
	errTooOften = errors.New("too many connections within a minute: wait a little before the next")
	errUsed     = errors.New("this resume token was used before: show the device's own token")
	errUnknown  = errors.New("it can't be told just now whether the resume token was used: show the device's own token")
)

// admit returns which device may connect.
func (s *Server) admit(ctx context.Context, r *http.Request) (who identity.Session, err error) {
	if !s.cfg.Ready() {
		return who, errNotReady
	}
	network := peer.Network(peer.Address(r, s.cfg.Trusted)).String()
	// Before the token is looked at, so that nobody tries many of them.
	if err := s.count(ctx, "connect:"+network, s.cfg.PerAddress); err != nil {
		return who, err
	}
	who, err = s.cfg.Tokens.OfHandshake(r)
	if err != nil {
		return who, err
	}
	if err := s.count(ctx, "connect:"+string(who.Device.User), s.cfg.PerPerson); err != nil {
		return who, err
	}
	if err := s.linked(ctx, who.Device); err != nil {
		return who, err
	}
	if who.Once == "" {
		return who, nil
	}
	first, err := s.cfg.Tries.Spend(ctx, who.Once, who.Until)
	switch {
	case err != nil:
		s.cfg.Log.WarnContext(ctx, "a resume token is refused", "error", err.Error())
		return who, errUnknown
	case !first:
		return who, errUsed
	}
	return who, nil
}

// count refuses who connects too often. Where it can't be counted nobody is
// refused: a gateway that lets nobody in since Redis is away helps nobody.
func (s *Server) count(ctx context.Context, key string, most int) error {
	n, err := s.cfg.Tries.Count(ctx, time.Minute, key)
	if err == nil && n[0] > most {
		return errTooOften
	}
	return nil
}

// linked is nil unless the device was signed out. Redis knows it at once, but may be
// away, or have lost it; the accounts haven't, and are asked as well.
func (s *Server) linked(ctx context.Context, a messaging.Address) error {
	out, away := s.cfg.SignedOut(ctx, a)
	if out {
		return messaging.ErrRevoked
	}
	devices, err := s.cfg.Accounts.Devices(ctx, []messaging.UserID{a.User})
	switch {
	case err != nil && away != nil:
		return err
	case err != nil: // what Redis says must do until they can be asked
		return nil
	case slices.ContainsFunc(devices, func(d messaging.Device) bool { return d.Address == a }):
		return nil
	case away == nil && len(devices) == 0: // no account: it can connect, and no more
		return nil
	}
	return messaging.ErrRevoked
}

// refuse answers a handshake, or an operator's request, that isn't let in.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.Problem{Detail: err.Error()}
	op, isOperator := operatorProblem(err)
	set := func(status int, slug, title string) { p.Status, p.Type, p.Title = status, "/problems/"+slug, title }
	switch {
	case errors.Is(err, identity.ErrExpired):
		set(http.StatusUnauthorized, "expired", "The token has expired")
	case errors.Is(err, identity.ErrNoToken):
		set(http.StatusUnauthorized, "no-token", "A device's token is needed")
		p.Detail = identity.ErrNoToken.Error()
	case errors.Is(err, messaging.ErrRevoked):
		set(http.StatusUnauthorized, "signed-out", "This device was signed out")
	case errors.Is(err, errUsed), errors.Is(err, errUnknown):
		set(http.StatusUnauthorized, "resume-token", "The resume token is no good")
	case errors.Is(err, errTooOften):
		set(http.StatusTooManyRequests, "too-often", "Too many connections")
		p.RetryAfter = 30 * time.Second
	case isOperator:
		p = op
	case errors.Is(err, errNotReady):
		set(http.StatusServiceUnavailable, "not-ready", "The gateway isn't ready")
		p.RetryAfter = time.Second
	default:
		set(http.StatusServiceUnavailable, "unavailable", "A store doesn't answer")
		p.Detail, p.RetryAfter = "try again in a moment, or at another gateway", 2*time.Second
		s.cfg.Log.ErrorContext(r.Context(), "a request can't be answered", "path", r.URL.Path, "error", err.Error())
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="messaging"`)
	}
	problem.Write(w, p)
}

func (s *Server) gateways(w http.ResponseWriter, r *http.Request) {
	all := append([]operator.Process{}, s.cfg.Gateways()...) // none is an empty list
	if err := httpjson.Write(w, http.StatusOK, map[string]any{"gateways": all}); err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "list gateways", "error", err.Error())
	}
}

// Package httpapi is the messenger's HTTP APIs, each of a process of its own:
//
//	Keys   accounts, devices, and the keys that begin a conversation
//	Media  grants to upload and to download attachments
//
// Everything but making an account and linking a device asks for a device's token,
// and refuses one whose device was signed out. Nothing here reads a message or a
// private key.
package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
)

// A Config is what all APIs need.
type Config struct {
	Tokens   identity.Tokens
	SignOuts messaging.SignOuts
	// Devices, where set, are asked as well who was signed out: Redis may have lost it.
	Devices  func(context.Context, []messaging.UserID) ([]messaging.Device, error)
	Attempts messaging.Attempts
	Counter  Counter
	Limits   Limits
	Trusted  []netip.Prefix // proxies whose X-Forwarded-For is believed
	Origins  []string       // of the pages that may ask, besides those of the host that is asked
	Log      *slog.Logger
	Metrics  prometheus.Registerer
}

// An api is what all APIs do alike.
type api struct {
	Config
	origin   *http.CrossOriginProtection
	answered *prometheus.HistogramVec
	mux      *http.ServeMux
}

type serve func(http.ResponseWriter, *http.Request) error

func newAPI(cfg Config, routes map[string]serve) (*api, error) {
	a := &api{Config: cfg, origin: http.NewCrossOriginProtection(), mux: http.NewServeMux()}
	a.answered = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "api_answer_seconds", Help: "How long answers took, by route and result.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 13),
	}, []string{"route", "result"})
	for _, origin := range cfg.Origins {
		if err := a.origin.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("let the pages of %q in: %w", origin, err)
		}
	}
	cfg.Metrics.MustRegister(a.answered)
	for pattern, serve := range routes {
		a.handle(pattern, serve)
	}
	a.handle("/", func(http.ResponseWriter, *http.Request) error { return errNoRoute })
	return a, nil
}

// answerIn bounds a request. It is less than messaging.AttemptFor, so that nobody
// takes up a request that is still being carried out.
const answerIn = 8 * time.Second

// handle adds an operation, measures it, and answers its error as a problem.
func (a *api) handle(pattern string, serve serve) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), answerIn)
		defer cancel()
		err := a.origin.Check(r)
		if err != nil {
			err = errCrossOrigin
		} else {
			err = serve(w, r.WithContext(ctx))
		}
		result := "ok"
		if err != nil {
			result = a.refuse(w, r, err)
		}
		a.answered.WithLabelValues(pattern, result).Observe(time.Since(began).Seconds())
	})
}

// device returns which device asks.
func (a *api) device(r *http.Request) (messaging.Address, error) {
	session, err := a.Tokens.Of(r)
	if err != nil {
		return messaging.Address{}, err
	}
	out, err := a.SignOuts.SignedOut(r.Context(), session.Device)
	switch {
	case err != nil:
		return session.Device, err
	case out:
		return session.Device, messaging.ErrRevoked
	case a.Devices == nil:
		return session.Device, nil
	}
	own, err := a.Devices(r.Context(), []messaging.UserID{session.Device.User})
	if err == nil && !slices.ContainsFunc(own, func(d messaging.Device) bool { return d.Address == session.Device }) {
		err = messaging.ErrRevoked
	}
	return session.Device, err
}

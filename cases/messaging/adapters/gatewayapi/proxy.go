package gatewayapi

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"designkits/shared/peer"
	"designkits/shared/problem"
)

// proxy passes requests on to another process of the case. Who is asking it learns
// from X-Forwarded-For, which is what a client claims only where that is believed.
func (s *Server) proxy(to string) (http.Handler, error) {
	if to == "" {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, problem.Problem{Type: "/problems/no-such-page", Title: "There is nothing here", Status: http.StatusNotFound,
				Detail: "this gateway was told of no process that serves this"})
		}), nil
	}
	target, err := url.Parse(to)
	if err != nil || target.Host == "" {
		return nil, fmt.Errorf("%q is no address to pass requests on to: give it as http://host:port", to)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			if peer.Trusts(s.cfg.Trusted, peer.Connected(p.In)) {
				p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			}
			p.SetXForwarded()
			p.Out.Host = p.In.Host // by which the other side knows its own pages
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: 15 * time.Second},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // nobody reads an answer
			}
			s.cfg.Log.WarnContext(r.Context(), "a request isn't passed on", "to", target.Host, "error", err.Error())
			problem.Write(w, problem.Problem{Type: "/problems/unavailable", Title: "A process doesn't answer", Status: http.StatusServiceUnavailable,
				Detail: "try again in a moment", RetryAfter: 2 * time.Second})
		},
	}, nil
}

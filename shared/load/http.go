package load

import (
	"context"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

// callWithin bounds one HTTP call.
const callWithin = 10 * time.Second

// A Request is one HTTP request to be sent, as cheaply as a client can: load
// that competes with the server for two cores must not be what is measured.
type Request struct {
	Method string // default GET
	Path   string
	Header [][2]string
	Body   []byte
}

// HTTP returns a Call that sends request n to addr ("127.0.0.1:8080") over
// keep-alive connections and gives check what came back. Redirects are not
// followed. The body passed to check is valid until check returns.
func HTTP(addr string, connections int, request func(n int) Request, check func(n, status int, body []byte) error) Call {
	client := &fasthttp.HostClient{
		Addr: addr, MaxConns: connections,
		MaxIdleConnDuration: time.Minute,
		ReadTimeout:         callWithin, WriteTimeout: callWithin,
		// A retried call would hide a failure and count its click twice.
		RetryIfErr:                    func(*fasthttp.Request, int, error) (bool, bool) { return false, false },
		DisablePathNormalizing:        true,
		DisableHeaderNamesNormalizing: true,
		NoDefaultUserAgentHeader:      true,
	}
	return func(_ context.Context, _, n int) error {
		r := request(n)
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		if r.Method != "" {
			req.Header.SetMethod(r.Method)
		}
		req.SetRequestURI("http://" + addr + r.Path)
		for _, h := range r.Header {
			req.Header.Set(h[0], h[1])
		}
		req.SetBodyRaw(r.Body)
		if err := client.DoTimeout(req, resp, callWithin); err != nil {
			return fmt.Errorf("%s %s: %w", req.Header.Method(), addr, err)
		}
		return check(n, resp.StatusCode(), resp.Body())
	}
}

// Status returns a check that wants one status.
func Status(want int) func(n, status int, body []byte) error {
	return func(_, status int, _ []byte) error {
		if status != want {
			return fmt.Errorf("answered %d, not %d", status, want)
		}
		return nil
	}
}

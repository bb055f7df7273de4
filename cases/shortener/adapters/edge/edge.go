// Package edge is nginx in front of the replicas when it may answer redirects by
// itself (EDGE_CACHE_FOR): what it keeps is fetched anew after a change, and the
// clicks that it answered come back from its log, as a content delivery network
// sends its logs.
//
// A purge is certain: it succeeds only when the edge has the version asked for.
// The log is not: it comes by syslog over UDP, so what is sent while the
// replica that it goes to is away is lost, and nobody knows how much it was. That
// is the price of counting at an edge, and why the edge keeps nothing unless it is
// told to.
package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
)

// An Edge is nginx at an address. It is a shortener.Edge.
type Edge struct {
	base   url.URL
	client *http.Client

	unreadable atomic.Int64
}

// purged answers a purge, see httpapi.
const purged = "X-Purged"

// New returns the edge at base ("http://127.0.0.1:8080").
func New(base url.URL) *Edge {
	return &Edge{base: base, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Purge has the edge ask a replica again and checks that what it got is not
// older than the version.
func (e *Edge) Purge(ctx context.Context, code shortener.Code, version int64) error {
	want := strconv.FormatInt(version, 10)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base.JoinPath(string(code)).String(), nil)
	if err != nil {
		return fmt.Errorf("purge %q at the edge: %w", code, err)
	}
	req.Header.Set("X-Purge", want)
	res, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("purge %q at the edge: %w", code, err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return fmt.Errorf("purge %q at the edge: %w", code, err)
	}
	if res.Header.Get(purged) != want {
		return fmt.Errorf("purge %q at the edge: it answered %s, from a version before %s", code, res.Status, want)
	}
	return nil
}

// A line is one click in the edge's log (log_format click in
// edge/nginx.conf.template).
type line struct {
	URI      string  `json:"uri"`
	At       float64 `json:"at"` // seconds since 1970
	Address  string  `json:"address"`
	Agent    string  `json:"agent"`
	Referrer string  `json:"referrer"`
	Country  string  `json:"country"`
}

// longest is the longest message that is read; what is longer is cut off, and
// then unreadable.
const longest = 16 << 10

// Listen takes the edge's log at a UDP address and hands each click to record,
// until the context ends, whose error it returns.
func (e *Edge) Listen(ctx context.Context, addr string, record func(clicks.Visit)) error {
	var config net.ListenConfig
	conn, err := config.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return fmt.Errorf("listen for the edge's log: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // ends the read below
	message := make([]byte, longest)
	for {
		n, _, err := conn.ReadFrom(message)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("listen for the edge's log: %w", err)
		}
		visit, ok := read(message[:n])
		if err != nil || !ok {
			e.unreadable.Add(1)
			continue
		}
		record(visit)
	}
}

// Unreadable is how many messages were no click.
func (e *Edge) Unreadable() int64 { return e.unreadable.Load() }

// read reads a click out of a syslog message: "<190>Nov 22 12:00:00 edge: {…}".
func read(message []byte) (clicks.Visit, bool) {
	_, text, found := strings.Cut(string(message), "edge: ")
	var l line
	if !found || json.Unmarshal([]byte(text), &l) != nil || l.URI == "" || l.URI[0] != '/' {
		return clicks.Visit{}, false
	}
	whole, part := math.Modf(l.At)
	return clicks.Visit{
		Code: shortener.Code(l.URI[1:]), Time: time.Unix(int64(whole), int64(part*1e9)),
		Referrer: l.Referrer, Country: l.Country, Agent: l.Agent, Address: l.Address,
	}, true
}

// Package client speaks the ticket sale's public API, as anybody's program
// would: for the crowd, the demo, the benches and the experiments.
//
// What may be repeated it repeats for a while where nobody answers, with the
// same Idempotency-Key: so a store or a process may die on the way, and each
// call still happens once.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"designkits/shared/problem"
)

// A Client speaks with one address, that of the edge or of a process, for one
// session. It may be used by many goroutines as long as nobody changes it.
type Client struct {
	Page  string      // without the slash at the end
	Token string      // of the session; "" for none
	Extra http.Header // sent with every request; it may not be changed, see With
	Tries int         // how often a call is made at most; default 8
	http  *http.Client
}

// connections bounds those to one address: an edge has 1,024 for both its sides.
const connections = 192

// New returns a client of the page, "http://127.0.0.1:8080/", without a session.
// It does no I/O.
func New(page string) (*Client, error) {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a page: start the case with\n\tgo run ./infra/kit run tickets", page)
	}
	return &Client{
		Page: u.Scheme + "://" + u.Host,
		http: &http.Client{
			Timeout:       15 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
				MaxConnsPerHost:     connections,
				MaxIdleConnsPerHost: connections,
				IdleConnTimeout:     30 * time.Second,
				DisableCompression:  true, // of a browser's headers the crowd sends its own
			},
		},
	}, nil
}

// Close closes the connections, also those of the clients that were made of
// this one.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// With returns a client that sends these headers besides, over the same
// connections.
func (c *Client) With(header http.Header) *Client {
	other := *c
	other.Extra = maps.Clone(c.Extra)
	if other.Extra == nil {
		other.Extra = http.Header{}
	}
	maps.Copy(other.Extra, header)
	return &other
}

// As returns a client with another session, over the same connections.
func (c *Client) As(token string) *Client {
	other := *c
	other.Token = token
	return &other
}

// A Refusal is an answer of the API that said no.
type Refusal struct {
	problem.Problem
	RetryIn time.Duration // when it is worth asking again; 0 where it isn't said
	Body    []byte        // the answer whole
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Type, r.Detail) }

// Is reports whether an error is a refusal of the type "/problems/"+slug.
func Is(err error, slugs ...string) bool {
	no, ok := errors.AsType[*Refusal](err)
	if !ok {
		return false
	}
	for _, slug := range slugs {
		if no.Type == "/problems/"+slug {
			return true
		}
	}
	return false
}

// NewKey returns an Idempotency-Key that nobody has used.
func NewKey() string { return rand.Text() }

// A Call is one request of the API.
type Call struct {
	Method, Path string
	Header       http.Header // besides the client's
	Key          string      // Idempotency-Key of a POST; "" for none
	In, Out      any         // as JSON; nil for none
}

// Do makes the call and decodes the answer. An answer of 400 or more is a
// *Refusal. Where nobody answers it asks again, with the same key.
func (c *Client) Do(ctx context.Context, call Call) error {
	var content []byte
	if call.In != nil {
		encoded, err := json.Marshal(call.In)
		if err != nil {
			return fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
		}
		content = encoded
	}
	tries := c.Tries
	if tries == 0 {
		tries = 8
	}
	pause := 200 * time.Millisecond
	for try := 1; ; try++ {
		err := c.once(ctx, call, content)
		if err == nil || try == tries || !nobodyAnswered(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, 2*time.Second)
	}
}

// nobodyAnswered reports whether an error says nothing about the request.
func nobodyAnswered(err error) bool {
	no, refused := errors.AsType[*Refusal](err)
	if !refused {
		_, malformed := errors.AsType[*json.SyntaxError](err)
		return !malformed
	}
	switch no.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (c *Client) once(ctx context.Context, call Call, in []byte) error {
	res, err := c.send(ctx, call, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", call.Method, call.Path, err)
	}
	if res.StatusCode >= 400 {
		return refused(res, content)
	}
	if call.Out == nil || res.StatusCode == http.StatusNotModified {
		return nil
	}
	if err := json.Unmarshal(content, call.Out); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON: %w", call.Method, call.Path, err)
	}
	return nil
}

func refused(res *http.Response, content []byte) error {
	r := &Refusal{Body: content}
	if json.Unmarshal(content, &r.Problem) != nil {
		r.Detail = strings.TrimSpace(string(content[:min(len(content), 200)]))
	}
	r.Status = res.StatusCode
	if wait, err := time.ParseDuration(res.Header.Get("Retry-After") + "s"); err == nil {
		r.RetryIn = wait
	}
	return r
}

func (c *Client) send(ctx context.Context, call Call, in []byte) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		body = bytes.NewReader(in)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, c.Page+call.Path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
	}
	for _, header := range []http.Header{c.Extra, call.Header} {
		maps.Copy(req.Header, header)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if call.Key != "" {
		req.Header.Set("Idempotency-Key", call.Key)
	}
	return c.http.Do(req) // its error names method and address already
}

// Listen opens a stream of server-sent events. The answer's body is the
// caller's to close.
func (c *Client) Listen(ctx context.Context, path string) (*http.Response, error) {
	// The client's timeout would end the stream; the context does it here.
	streaming := *c
	streaming.http = &http.Client{Transport: c.http.Transport}
	res, err := streaming.send(ctx, Call{Method: http.MethodGet, Path: path, Header: http.Header{"Accept": {"text/event-stream"}}}, nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		content, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // as far as it can be read
		return nil, refused(res, content)
	}
	return res, nil
}

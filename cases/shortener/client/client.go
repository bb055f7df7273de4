// Package client speaks the shortener's public API, as anybody's program would:
// for the demo, the benches and the experiments.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"designkits/cases/shortener/clicks"
	"designkits/shared/problem"
)

// A Client speaks with one address, that of the edge or of a replica. It may be
// used by many goroutines once its Key is set.
type Client struct {
	Page string // without the slash at the end
	Key  string // sent with every request to the API; "" for none
	http *http.Client
}

// A Link is one as the API gives it.
type Link struct {
	Code    string    `json:"code"`
	Short   string    `json:"short"`
	Target  string    `json:"target"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// New returns a client of the page, "http://127.0.0.1:8080/". It does no I/O.
func New(page string) (*Client, error) {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a page: start the case with\n\tgo run ./infra/kit run shortener", page)
	}
	return &Client{
		Page: u.Scheme + "://" + u.Host,
		http: &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
				MaxIdleConnsPerHost: idle,
				IdleConnTimeout:     30 * time.Second,
			},
		},
	}, nil
}

// idle is how many connections are kept.
const idle = 128

// Close closes the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// A Refusal is an answer of the API that said no.
type Refusal struct {
	problem.Problem
	retryAfter time.Duration
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Type, r.Detail) }

// Do sends one request with the key and decodes the answer into out. An
// answer of 400 or more is a *Refusal. It tries again, for a while, where the
// edge found no replica or the caller was over a limit: a link that is made
// twice by that does no harm here.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	var content []byte
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		content = encoded
	}
	return again(ctx, func() error { return c.once(ctx, method, path, content, out) })
}

// again repeats a request that is worth another try.
func again(ctx context.Context, request func() error) error {
	for tries := 1; ; tries++ {
		err := request()
		if err == nil || tries == maxTries || !worthAnotherTry(err) {
			return err
		}
		pause := 250 * time.Millisecond
		if no := (*Refusal)(nil); errors.As(err, &no) {
			pause = max(pause, no.retryAfter)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

const maxTries = 8

func worthAnotherTry(err error) bool {
	var no *Refusal
	if !errors.As(err, &no) {
		return true // nobody answered
	}
	switch no.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return no.retryAfter <= 5*time.Second
	}
	return false
}

func (c *Client) once(ctx context.Context, method, path string, in []byte, out any) error {
	var body io.Reader
	if in != nil {
		body = bytes.NewReader(in)
	}
	res, err := c.Send(ctx, method, path, "application/json", body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if res.StatusCode >= 400 {
		return refused(res, content)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(content, out); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON: %w", method, path, err)
	}
	return nil
}

func refused(res *http.Response, content []byte) error {
	r := &Refusal{}
	if json.Unmarshal(content, &r.Problem) != nil {
		r.Detail = strings.TrimSpace(string(content[:min(len(content), 200)]))
	}
	r.Status = res.StatusCode
	if wait, err := time.ParseDuration(res.Header.Get("Retry-After") + "s"); err == nil {
		r.retryAfter = wait
	}
	return r
}

// Send sends one request with the key. The answer's body is the caller's to close.
func (c *Client) Send(ctx context.Context, method, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Page+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err // it names method and address already
	}
	return res, nil
}

// NewKey gets an API key and uses it from now on.
func (c *Client) NewKey(ctx context.Context) (owner string, err error) {
	var made struct {
		Key   string `json:"key"`
		Owner string `json:"owner"`
	}
	if err := c.Do(ctx, http.MethodPost, "/api/keys", nil, &made); err != nil {
		return "", err
	}
	c.Key = made.Key
	return made.Owner, nil
}

// Follow goes to a short link as a browser would and returns the status and
// where it is sent. It follows no redirect: nothing outside is ever asked.
func (c *Client) Follow(ctx context.Context, path string, header http.Header) (status int, location string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Page+path, nil)
	if err != nil {
		return 0, "", fmt.Errorf("follow %s: %w", path, err)
	}
	req.Header = header
	res, err := c.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)); err != nil {
		return 0, "", fmt.Errorf("follow %s: read the answer: %w", path, err)
	}
	return res.StatusCode, res.Header.Get("Location"), nil
}

// Stats are the clicks of a link, by the minute.
func (c *Client) Stats(ctx context.Context, code string, from, to time.Time) (clicks.Stats, error) {
	query := url.Values{
		"from":        {from.UTC().Format(time.RFC3339)},
		"to":          {to.UTC().Format(time.RFC3339)},
		"granularity": {string(clicks.Minute)},
	}
	var s clicks.Stats
	err := c.Do(ctx, http.MethodGet, "/api/links/"+url.PathEscape(code)+"/stats?"+query.Encode(), nil, &s)
	return s, err
}

// Listen opens a stream of server-sent events. It tries again as Do does.
func (c *Client) Listen(ctx context.Context, path string) (stream *http.Response, err error) {
	err = again(ctx, func() error {
		stream, err = c.listen(ctx, path)
		return err
	})
	return stream, err
}

func (c *Client) listen(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Page+path, nil)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+c.Key)
	// The client's timeout would end the stream; the context does it here.
	streaming := http.Client{Transport: c.http.Transport}
	res, err := streaming.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		content, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // without its reason it still is a refusal
		return nil, refused(res, content)
	}
	return res, nil
}

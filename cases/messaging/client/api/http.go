package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A Problem is why the server has refused a request.
type Problem struct {
	Type       string        `json:"type"` // "/problems/taken"
	Title      string        `json:"title"`
	Status     int           `json:"status"`
	Detail     string        `json:"detail"`
	RetryAfter time.Duration `json:"-"`
}

func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Title + ": " + p.Detail
}

// again reports whether the same request may succeed later.
func again(err error) bool {
	p, refused := errors.AsType[*Problem](err)
	return !refused || p.Status == http.StatusTooManyRequests || p.Status >= 500
}

// requestWithin bounds a request, and most is the largest answer, in bytes.
const (
	requestWithin = 20 * time.Second
	most          = 8 << 20
)

// call asks the server and reads the answer into out, unless that is nil. The
// gateways are tried in turn until one answers.
func (c *Client) call(ctx context.Context, method, path string, header http.Header, in, out any) error {
	var failed error
	for _, gateway := range c.reachable() {
		err := c.callAt(ctx, "http://"+gateway, method, path, header, in, out)
		if _, refused := errors.AsType[*Problem](err); err == nil || refused || ctx.Err() != nil {
			return err
		}
		failed = err
	}
	return fmt.Errorf("%s %s: no gateway answers: %w", method, path, failed)
}

func (c *Client) callAt(ctx context.Context, origin, method, path string, header http.Header, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, origin+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token := c.token(); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	answer, err := c.cfg.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return problemOf(answer, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func problemOf(answer *http.Response, text []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(text, p) != nil || p.Title == "" {
		p = &Problem{Title: "the server answered " + answer.Status}
	}
	p.Status = answer.StatusCode
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}

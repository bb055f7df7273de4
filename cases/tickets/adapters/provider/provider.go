// Package provider speaks to the payment provider over HTTP. It believes nothing:
// every call has a deadline, every answer a bound, and a payment that isn't the
// one that was asked for is an error.
//
// A call that isn't answered, or by 429 or 5xx, is made again a few times with
// the same key, which makes that harmless, while the context has time. What
// remains is an error that says that nobody knows; the caller asks again later,
// with the same key, or hears by a notice.
package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
	"designkits/shared/problem"
)

// Config says where the provider is and how patient to be.
type Config struct {
	URL string // "http://127.0.0.1:8135"
	Key string // its API key

	// Timeout ends one try, default 2 s.
	Timeout time.Duration
	// Tries is how often a call is made at most, default 3.
	Tries int
	// Connections that are kept, default 64.
	Connections int
}

// A Provider is a payments.Provider. It may be used by many goroutines.
type Provider struct {
	cfg  Config
	http *http.Client
}

var _ payments.Provider = (*Provider)(nil)

// Open returns the provider at an address. It does no I/O.
func Open(cfg Config) (*Provider, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("payment provider: %q is no address: give one like http://127.0.0.1:8135", cfg.URL)
	}
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.Tries == 0 {
		cfg.Tries = 3
	}
	if cfg.Connections == 0 {
		cfg.Connections = 64
	}
	return &Provider{cfg: cfg, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: cfg.Timeout}).DialContext,
			MaxIdleConnsPerHost: cfg.Connections,
			IdleConnTimeout:     30 * time.Second,
		},
	}}, nil
}

// Close closes the connections.
func (p *Provider) Close() { p.http.CloseIdleConnections() }

// Authorise implements payments.Provider.
func (p *Provider) Authorise(ctx context.Context, key string, c payments.Charge) (payments.Payment, error) {
	got, err := p.call(ctx, call{"authorise", string(c.Order), http.MethodPost, "", key, c})
	if err == nil && (got.Order != c.Order || got.Amount != c.Amount || got.Currency != c.Currency) {
		return payments.Payment{}, fmt.Errorf("payment provider: authorise %s: it answered with another payment, %s of %s", c.Order, got.ID, got.Order)
	}
	return got, err
}

// Capture implements payments.Provider.
func (p *Provider) Capture(ctx context.Context, key, payment string) (payments.Payment, error) {
	return p.of(ctx, payment, call{"capture", payment, http.MethodPost, "/capture", key, nil})
}

// Void implements payments.Provider.
func (p *Provider) Void(ctx context.Context, key, payment string) (payments.Payment, error) {
	return p.of(ctx, payment, call{"void", payment, http.MethodPost, "/void", key, nil})
}

// Refund implements payments.Provider.
func (p *Provider) Refund(ctx context.Context, key, payment string, amount tickets.Cents) (payments.Payment, error) {
	body := struct {
		Amount tickets.Cents `json:"amount"`
	}{amount}
	return p.of(ctx, payment, call{"refund", payment, http.MethodPost, "/refunds", key, body})
}

// Payment implements payments.Provider.
func (p *Provider) Payment(ctx context.Context, payment string) (payments.Payment, error) {
	return p.of(ctx, payment, call{"look up", payment, http.MethodGet, "", "", nil})
}

// of makes a call about a payment.
func (p *Provider) of(ctx context.Context, payment string, c call) (payments.Payment, error) {
	if payment == "" {
		return payments.Payment{}, fmt.Errorf("payment provider: %s: %w: it has no name", c.operation, payments.ErrUnknown)
	}
	c.path = "/" + url.PathEscape(payment) + c.path
	got, err := p.call(ctx, c)
	if err == nil && got.ID != payment {
		return payments.Payment{}, fmt.Errorf("payment provider: %s %s: it answered with another payment, %s", c.operation, payment, got.ID)
	}
	return got, err
}

// A call is one of the API.
type call struct {
	operation, subject string // for errors
	method, path       string // behind /v1/payments
	key                string
	content            any
}

// call makes a call until it is answered, as often as it may be made.
func (p *Provider) call(ctx context.Context, c call) (got payments.Payment, err error) {
	var body []byte
	if c.content != nil {
		if body, err = json.Marshal(c.content); err != nil {
			return got, fmt.Errorf("payment provider: %s %s: %w", c.operation, c.subject, err)
		}
	}
	for tries := 1; ; tries++ {
		got, err = p.try(ctx, c, body)
		var away *unavailable
		if err == nil || tries == p.cfg.Tries || !errors.As(err, &away) || !pause(ctx, max(away.retryAfter, firstPause<<(tries-1))) {
			break
		}
	}
	if err != nil {
		return payments.Payment{}, fmt.Errorf("payment provider: %s %s: %w", c.operation, c.subject, err)
	}
	return got, nil
}

// How long the next try waits: as long as the provider asks, but not for ever.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// pause waits about as long as that, or reports that the context has no time for it.
func pause(ctx context.Context, d time.Duration) bool {
	d = min(d, lastPause)
	d += rand.N(d/4 + 1) // so that many callers don't come at once
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// An unavailable is a try after which nobody knows whether it took effect.
type unavailable struct {
	cause      error
	retryAfter time.Duration
}

func (e *unavailable) Error() string { return e.cause.Error() }
func (e *unavailable) Unwrap() error { return e.cause }

// try makes a call once.
func (p *Provider) try(ctx context.Context, c call, body []byte) (got payments.Payment, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, c.method, p.cfg.URL+"/v1/payments"+c.path, bytes.NewReader(body))
	if err != nil {
		return got, err
	}
	req.Header.Set("Authorization", "Bearer "+p.cfg.Key)
	if c.key != "" {
		req.Header.Set("Idempotency-Key", c.key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := p.http.Do(req)
	if err != nil {
		return got, &unavailable{cause: err}
	}
	defer res.Body.Close()
	content, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return got, &unavailable{cause: fmt.Errorf("read the answer: %w", err)}
	}
	if res.StatusCode/100 != 2 {
		return got, refused(res, content)
	}
	if err := json.Unmarshal(content, &got); err != nil || got.ID == "" || got.Version < 1 {
		return payments.Payment{}, fmt.Errorf("the answer is no payment: %.200q", content)
	}
	return got, nil
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// refused says what an answer means that isn't a payment.
func refused(res *http.Response, content []byte) error {
	var told problem.Problem
	if json.Unmarshal(content, &told) != nil || told.Detail == "" {
		told.Detail = fmt.Sprintf("%.200q", content)
	}
	switch {
	case res.StatusCode == http.StatusNotFound && told.Type == "/problems/no-such-payment":
		return payments.ErrUnknown
	case res.StatusCode == http.StatusConflict, told.Type == "/problems/key-reused":
		return fmt.Errorf("%w: %s", payments.ErrConflict, told.Detail)
	case res.StatusCode == http.StatusUnprocessableEntity:
		return &tickets.Invalid{Field: told.Field, Reason: told.Detail}
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("it refuses our API key; give both processes the same PROVIDER_KEY")
	}
	err := fmt.Errorf("it answered %s: %s", res.Status, told.Detail)
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode < 500 {
		return err
	}
	wait, _ := time.ParseDuration(res.Header.Get("Retry-After") + "s") // none, or a date: not waited for
	return &unavailable{cause: err, retryAfter: wait}
}

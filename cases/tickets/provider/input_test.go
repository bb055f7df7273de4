package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"designkits/cases/tickets/provider"
)

func TestBadInputIsRefused(t *testing.T) {
	in := newInbox(t, nil)
	s := start(t, provider.Behaviour{}, in)
	for name, c := range map[string]struct {
		method, path, key, body string
		want                    int
	}{
		"no key":            {"POST", "/v1/payments", "", charge("tok_ok"), 422},
		"a key of spaces":   {"POST", "/v1/payments", "a b", charge("tok_ok"), 422},
		"a long key":        {"POST", "/v1/payments", strings.Repeat("k", 256), charge("tok_ok"), 422},
		"no such source":    {"POST", "/v1/payments", "k", charge("4242424242424242"), 422},
		"a negative amount": {"POST", "/v1/payments", "k", strings.Replace(charge("tok_ok"), "5000", "-1", 1), 422},
		"a huge amount":     {"POST", "/v1/payments", "k", strings.Replace(charge("tok_ok"), "5000", "100000001", 1), 422},
		"half a cent":       {"POST", "/v1/payments", "k", strings.Replace(charge("tok_ok"), "5000", "0.5", 1), 400},
		"no order":          {"POST", "/v1/payments", "k", strings.Replace(charge("tok_ok"), "order 1", "", 1), 422},
		"no currency":       {"POST", "/v1/payments", "k", strings.Replace(charge("tok_ok"), "EUR", "eur", 1), 422},
		"something unknown": {"POST", "/v1/payments", "k", `{"card":"1"}`, 400},
		"two bodies":        {"POST", "/v1/payments", "k", charge("tok_ok") + "{}", 400},
		"a long body":       {"POST", "/v1/payments", "k", charge(strings.Repeat("x", 5000)), 413},
		"nobody's payment":  {"POST", "/v1/payments/pay_x/capture", "k", "", 404},
		"nobody's, read":    {"GET", "/v1/payments/pay_x", "", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			var p struct{ Type, Detail string }
			header := s.ask(c.method, c.path, c.key, c.body, c.want, &p)
			if header.Get("Content-Type") != "application/problem+json" || p.Type == "" || p.Detail == "" {
				t.Errorf("%v %+v", header, p)
			}
		})
	}
	for _, key := range []string{"", "Bearer ", "Bearer the seller's keys", "Basic " + apiKey} {
		for _, path := range []string{"POST /v1/payments", "POST /v1/payments/x/capture", "POST /v1/payments/x/void", "POST /v1/payments/x/refunds", "GET /v1/payments/x", "GET /v1/admin/behaviour", "PUT /v1/admin/behaviour"} {
			method, path, _ := strings.Cut(path, " ")
			req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(charge("tok_ok")))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", key)
			req.Header.Set("Idempotency-Key", "k")
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s %s with %q: %s", method, path, key, res.Status)
			}
		}
	}
	if got := in.taken(); len(got) != 0 {
		t.Errorf("something changed: %v", got)
	}
}

package main

import (
	"net/http"
	"strings"
	"testing"
)

// A page that came from one gateway may ask another, what it changes included; a page
// from elsewhere may not, even on the same host.
func TestPagesOfOtherGatewaysMayAskAndNobodyElses(t *testing.T) {
	s := newSite(t)
	bo := s.person(1)[0]
	own, elsewhere := "http://"+s.Addr("gateway-1"), "http://127.0.0.1:1"
	ask := func(method, path, body, origin string, headers ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr("gateway-2")+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		req.Header.Set("Sec-Fetch-Site", "same-site") // a browser's word for another port
		req.Header.Set("Authorization", "Bearer "+s.token(bo))
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	shown := func(resp *http.Response) string { return resp.Header.Get("Access-Control-Allow-Origin") }

	for _, c := range []struct{ method, path, headers string }{
		{"GET", "/api/gateways", "authorization"},
		{"PUT", "/api/privacy", "authorization,content-type"},
		{"POST", "/api/prekeys/claim", "authorization,content-type,idempotency-key"},
		{"DELETE", "/api/devices/2", "authorization"},
		{"POST", "/api/media/x/complete", "authorization,upload-grant"},
	} {
		with := []string{"Access-Control-Request-Method", c.method, "Access-Control-Request-Headers", c.headers}
		if resp := ask("OPTIONS", c.path, "", own, with...); shown(resp) != own || resp.Header.Get("Access-Control-Allow-Methods") != c.method || resp.Header.Get("Access-Control-Allow-Headers") != c.headers {
			t.Errorf("whether a gateway's page may %s %s is answered with %d %v", c.method, c.path, resp.StatusCode, resp.Header)
		}
		if resp := ask("OPTIONS", c.path, "", elsewhere, with...); shown(resp) != "" {
			t.Errorf("a page of %s may %s %s", shown(resp), c.method, c.path)
		}
	}
	if resp := ask("GET", "/api/operator", "", own); shown(resp) != "" {
		t.Error("what operators see is shown to pages of other gateways")
	}

	const change = `{"presence":"nobody"}`
	if resp := ask("PUT", "/api/privacy", change, own); resp.StatusCode >= 300 || shown(resp) != own {
		t.Errorf("a gateway's page changes something: %d, shown to %q", resp.StatusCode, shown(resp))
	}
	for _, origin := range []string{elsewhere, "null"} {
		if resp := ask("PUT", "/api/privacy", change, origin); resp.StatusCode != http.StatusForbidden || shown(resp) != "" {
			t.Errorf("a page of %s changes something: %d, shown to %q", origin, resp.StatusCode, shown(resp))
		}
		if resp := ask("GET", "/api/gateways", "", origin); shown(resp) != "" {
			t.Errorf("an answer is shown to a page of %s", origin)
		}
	}
}

package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"designkits/shared/testenv"
)

func TestTheGatewayServesItsPageAndWhoIsThere(t *testing.T) {
	s := newSiteWith(t, nil)
	get := func(path string) (*http.Response, string) {
		resp, err := http.Get("http://" + s.Addr("gateway-1") + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	testenv.Eventually(t, 30*time.Second, "both gateways are known", func() bool {
		_, body := get("/api/gateways")
		return strings.Contains(body, s.Addr("gateway-1")) && strings.Contains(body, s.Addr("gateway-2"))
	})
	resp, body := get("/")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "<!doctype html>") {
		t.Errorf("%d %.100s", resp.StatusCode, body)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "'wasm-unsafe-eval'") || !strings.Contains(policy, "ws://"+s.Addr("gateway-2")) {
		t.Errorf("the policy is %s", policy)
	}
	// keys isn't there in this test.
	if resp, body := get("/api/users/ana"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "/problems/unavailable") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if _, body := get("/metrics"); !strings.Contains(body, "gateway_devices 0") {
		t.Errorf("the metrics have no devices:\n%.500s", body)
	}
}

package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"designkits/shared/service"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheProcessServesAndStops(t *testing.T) {
	for name, value := range map[string]string{
		"LISTEN": "127.0.0.1:0", "REDIS": testenv.Addr(t, "redis"), "S3": "http://kit:kit-on-loopback@" + testenv.Addr(t, "s3"),
		"NAMESPACE": testenv.Namespace(t), "TOKEN_SECRET": "a secret of the tests, of 32 bytes", "GRANT_SECRET": "another of the tests, of 32 bytes",
	} {
		t.Setenv(name, value)
	}
	ctx, signal := context.WithCancel(t.Context())
	defer signal()
	started, ended := make(chan *service.Service, 1), make(chan error, 1)
	go func() {
		ended <- service.Run(ctx, "media", func(ctx context.Context, s *service.Service) error {
			started <- s
			return run(ctx, s)
		})
	}()
	waiting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	addr, err := (<-started).Addr(waiting)
	if err != nil {
		t.Fatalf("not serving: %v", err)
	}
	get := func(path string) int {
		resp, err := http.Get("http://" + addr.String() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	testenv.Eventually(t, 20*time.Second, "ready", func() bool { return get("/readyz") == http.StatusOK })
	if status := get("/api/media/m0"); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	http.DefaultClient.CloseIdleConnections()
	signal()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("after the signal: %v", err)
		}
	case <-time.After(service.StopWithin):
		t.Error("it doesn't stop")
	}
}

func TestASecretThatCouldBeGuessedIsRefused(t *testing.T) {
	for name, value := range map[string]string{"LISTEN": "x", "REDIS": "x", "S3": "x", "GRANT_SECRET": "a secret that is long enough", "NAMESPACE": "x", "TOKEN_SECRET": "short"} {
		t.Setenv(name, value)
	}
	if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), "TOKEN_SECRET") {
		t.Errorf("%v", err)
	}
}

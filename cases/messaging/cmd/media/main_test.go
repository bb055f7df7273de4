package main

import (
	"net/http"
	"strings"
	"testing"

	"designkits/shared/leaktest"
	"designkits/shared/servicetest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestTheProcessServesAndStops(t *testing.T) {
	p := servicetest.Start(t, "media", run, map[string]string{
		"LISTEN": "127.0.0.1:0", "REDIS": testenv.Addr(t, "redis"), "S3": "http://kit:kit-on-loopback@" + testenv.Addr(t, "s3"),
		"NAMESPACE": testenv.Namespace(t), "TOKEN_SECRET": "a secret of the tests, of 32 bytes", "GRANT_SECRET": "another of the tests, of 32 bytes",
	})
	if status := p.Status("/api/media/m0"); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	p.Stop()
}

func TestASecretThatCouldBeGuessedIsRefused(t *testing.T) {
	for name, value := range map[string]string{"LISTEN": "x", "REDIS": "x", "S3": "x", "GRANT_SECRET": "a secret that is long enough", "NAMESPACE": "x", "TOKEN_SECRET": "short"} {
		t.Setenv(name, value)
	}
	if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), "TOKEN_SECRET") {
		t.Errorf("%v", err)
	}
}

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
	p := servicetest.Start(t, "keys", run, map[string]string{
		"LISTEN": "127.0.0.1:0", "REDIS": testenv.Addr(t, "redis"), "CASSANDRA": testenv.Addr(t, "cassandra"),
		"NAMESPACE": testenv.Namespace(t), "TOKEN_SECRET": "a secret of the tests, of 32 bytes", "CASSANDRA_TIMEOUT": "10s",
	})
	if status := p.Status("/api/devices"); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	p.Stop()
}

func TestASecretThatCouldBeGuessedIsRefused(t *testing.T) {
	for name, value := range map[string]string{"LISTEN": "x", "REDIS": "x", "CASSANDRA": "x", "NAMESPACE": "x", "TOKEN_SECRET": "short"} {
		t.Setenv(name, value)
	}
	if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), "TOKEN_SECRET") {
		t.Errorf("%v", err)
	}
}

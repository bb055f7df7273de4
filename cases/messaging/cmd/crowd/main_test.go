package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"designkits/shared/casetest"
	"designkits/shared/leaktest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// The crowd talks on while gateways and an owner are killed, and its screens show all.
func TestTheCrowdTalksOnAndMissesNothing(t *testing.T) {
	const (
		people = 12
		late   = 10 * time.Second
	)
	c := casetest.Start(t, rig.Options{Only: []string{"gateway", "chat", "keys", "crowd"}, Env: map[string]string{
		"PEOPLE": "12", "MESSAGES_A_SECOND": "10", "LATE": late.String(),
		"WASM_E2E": "", "SESSION_TIMEOUT": "2s", "CASSANDRA_TIMEOUT": "10s",
	}})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	metric := func(name string, labels ...string) float64 {
		n, err := c.Metric(t.Context(), "crowd", name, labels...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	said := func() float64 { return metric("crowd_messages_total", "outcome", sent) }
	talks := func() {
		t.Helper()
		enough := said() + 50
		testenv.Eventually(t, 2*time.Minute, "everybody is there, and more is said", func() bool {
			return metric("crowd_people_current") == people && said() >= enough
		})
	}
	talks()
	var last time.Time
	for _, victim := range []string{"gateway-1", "chat-1", "gateway-2"} {
		ended := metric("crowd_connections_ended")
		if err := c.Kill(t.Context(), victim); err != nil {
			t.Fatal(err)
		}
		last = time.Now()
		if strings.HasPrefix(victim, "gateway") {
			testenv.Eventually(t, time.Minute, "connections have ended with "+victim, func() bool { return metric("crowd_connections_ended") > ended })
		}
		talks()
	}
	testenv.Eventually(t, 2*time.Minute, "nothing is missing", func() bool { return time.Since(last) > late && metric("crowd_lost") == 0 })
	for _, wrong := range []string{"crowd_twice", "crowd_out_of_order"} {
		if n := metric(wrong); n > 0 {
			t.Errorf("%s is %v", wrong, n)
		}
	}
	if n := metric("crowd_messages_total", "outcome", refused); n > 0 {
		t.Errorf("%v messages were refused", n)
	}
	if n := metric("crowd_shown_seconds"); n < said() {
		t.Errorf("%v messages were sent, and others' screens show %v", said(), n)
	}
}

func TestSettingsThatCantBe(t *testing.T) {
	t.Setenv("LISTEN", "127.0.0.1:0")
	t.Setenv("GATEWAYS", "127.0.0.1:1")
	for _, wrong := range []string{"PEOPLE=1", "PEOPLE=201", "MESSAGES_A_SECOND=0", "MESSAGES_A_SECOND=NaN", "LATE=-1s", "GATEWAYS="} {
		t.Run(wrong, func(t *testing.T) {
			name, value, _ := strings.Cut(wrong, "=")
			t.Setenv(name, value)
			if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v", err)
			}
		})
	}
}

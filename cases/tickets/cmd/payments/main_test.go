package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	adapter "designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/payments"
	"designkits/shared/leaktest"
	"designkits/shared/service"
	"designkits/shared/servicetest"
	"designkits/shared/testenv"
)

// asProcess in its environment makes the test's program the process itself.
const asProcess = "BE_PAYMENTS"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		main()
		return
	}
	leaktest.Main(m)
}

const (
	apiKey = "the seller's key"
	secret = "the webhook's secret"
)

// settings are the process's environment, without latency.
func settings(t *testing.T, webhook string) map[string]string {
	return map[string]string{
		"LISTEN": "127.0.0.1:0", "JOURNAL": filepath.Join(t.TempDir(), "state", "journal"), "PROVIDER_KEY": apiKey,
		"WEBHOOK_URL": webhook, "WEBHOOK_SECRET": secret, "LATENCY": "0s", "LATENCY_99": "0s", "SLOW_AFTER": "50ms",
	}
}

// An inbox takes notices: the last of each version of each payment.
type inbox struct {
	url string

	mu    sync.Mutex
	known map[string]map[int64]payments.Payment
}

func newInbox(t *testing.T) *inbox {
	in := &inbox{known: map[string]map[int64]payments.Payment{}}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	in.url = server.URL
	return in
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender was killed
	}
	n, err := payments.Verify([]byte(secret), r.Header.Get(payments.SignatureHeader), body, time.Now())
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized) // it would be told never
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.known[n.Payment.ID] == nil {
		in.known[n.Payment.ID] = map[int64]payments.Payment{}
	}
	in.known[n.Payment.ID][n.Payment.Version] = n.Payment
}

// versions returns what is known of a payment, by version, and of how many
// payments anything is known.
func (in *inbox) versions(id string) (of map[int64]payments.Payment, all int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	of = map[int64]payments.Payment{}
	for version, p := range in.known[id] {
		of[version] = p
	}
	return of, len(in.known)
}

func client(t *testing.T, url string, timeout time.Duration) *adapter.Provider {
	t.Helper()
	p, err := adapter.Open(adapter.Config{URL: url, Key: apiKey, Timeout: timeout, Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// The process itself, on port 0.
func TestTheProcessServesAndStops(t *testing.T) {
	in := newInbox(t)
	process := servicetest.Start(t, "payments", run, settings(t, in.url))
	ctx, base := t.Context(), process.URL
	for path, want := range map[string]string{"/readyz": "payments", "/metrics": "provider_notices_waiting 0"} {
		res, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %v, %s", path, res.Status, err, body)
		}
	}
	p := client(t, base, 20*time.Second)
	made, err := p.Authorise(ctx, "1", payments.Charge{Order: "o", Amount: 1, Currency: "EUR", Source: "tok_slow"})
	if err != nil || made.Status != payments.Pending {
		t.Fatalf("%+v, %v", made, err)
	}
	testenv.Eventually(t, time.Minute, "the notice says that it is authorised", func() bool {
		of, _ := in.versions(made.ID)
		return of[2].Status == payments.Authorised
	})
	captured, err := p.Capture(ctx, "2", made.ID)
	if err != nil || captured.Status != payments.Captured {
		t.Fatalf("%+v, %v", captured, err)
	}
	testenv.Eventually(t, time.Minute, "the notice says that it is captured", func() bool {
		of, _ := in.versions(made.ID)
		return of[3] == captured
	})
	process.Stop()
}

func TestTheConfigurationSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"PROVIDER_KEY", "", "PROVIDER_KEY"},
		{"WEBHOOK_SECRET", "", "WEBHOOK_SECRET"},
		{"SLOW_AFTER", "soon", "SlowAfter"},
		{"DECLINE_RATE", "2", "declineRate"},
		{"LATENCY_99", "1ms", "latency99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := settings(t, "http://127.0.0.1:1")
			all["LATENCY"], all["LATENCY_99"] = "1s", "2s"
			all[c.name] = c.value
			for name, value := range all {
				t.Setenv(name, value)
				if value == "" {
					os.Unsetenv(name)
				}
			}
			if err := service.Run(t.Context(), "payments", run); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

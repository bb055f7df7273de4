package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/tickets/payments"
	"designkits/cases/tickets/provider"
)

const (
	apiKey = "the seller's key"
	secret = "the webhook's secret"
)

// A scene is a provider behind HTTP, and the receiver of its notices.
type scene struct {
	t       *testing.T
	url     string
	journal string
	inbox   *inbox
	stop    func() // ends the provider; the test's end does that too
}

// start starts a provider that behaves like that. The receiver may be nil.
func start(t *testing.T, b provider.Behaviour, to *inbox) *scene {
	t.Helper()
	return startAt(t, filepath.Join(t.TempDir(), "journal"), b, to)
}

// startAt starts it with a journal that may be there already.
func startAt(t *testing.T, journal string, b provider.Behaviour, to *inbox) *scene {
	t.Helper()
	return startWith(t, provider.Config{Journal: journal, Behaviour: b}, to)
}

// startWith starts it with what the test needs besides.
func startWith(t *testing.T, cfg provider.Config, to *inbox) *scene {
	t.Helper()
	draining := make(chan struct{})
	cfg.Key, cfg.Secret, cfg.Draining = apiKey, []byte(secret), draining
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	if to != nil {
		cfg.Webhook = to.url
	}
	p, err := provider.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	server := httptest.NewServer(p.Handler())
	s := &scene{t: t, url: server.URL, journal: cfg.Journal, inbox: to}
	s.stop = sync.OnceFunc(func() {
		close(draining)
		server.Close()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the provider ended by itself: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// restarted is the same provider in a new process.
func (s *scene) restarted(b provider.Behaviour) *scene {
	s.t.Helper()
	s.stop()
	return startAt(s.t, s.journal, b, s.inbox)
}

// send sends a request with an idempotency key, unless that is empty.
func (s *scene) send(ctx context.Context, method, path, key, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return http.DefaultTransport.RoundTrip(req)
}

// ask sends a request that must be answered with a status, and reads the answer.
func (s *scene) ask(method, path, key, body string, want int, into any) http.Header {
	s.t.Helper()
	res, err := s.send(s.t.Context(), method, path, key, body)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode != want {
		s.t.Fatalf("%s %s: %s, want %d: %s", method, path, res.Status, want, content)
	}
	if into != nil {
		if err := json.Unmarshal(content, into); err != nil {
			s.t.Fatal(err)
		}
	}
	return res.Header
}

// pay makes a payment of 5000 by a source.
func (s *scene) pay(key, source string) (made payments.Payment) {
	s.t.Helper()
	s.ask("POST", "/v1/payments", key, charge(source), 201, &made)
	return made
}

func charge(source string) string {
	return `{"order":"order 1","amount":5000,"currency":"EUR","source":"` + source + `"}`
}

// do captures, voids or refunds, or is refused.
func (s *scene) do(p payments.Payment, what, key, body string, want int) (after payments.Payment) {
	s.t.Helper()
	if want != http.StatusOK {
		s.ask("POST", "/v1/payments/"+p.ID+"/"+what, key, body, want, nil)
		return p
	}
	s.ask("POST", "/v1/payments/"+p.ID+"/"+what, key, body, want, &after)
	return after
}

// now looks a payment up.
func (s *scene) now(p payments.Payment) (now payments.Payment) {
	s.t.Helper()
	s.ask("GET", "/v1/payments/"+p.ID, "", "", 200, &now)
	return now
}

// An inbox receives notices. What refuse says about a notice is its status.
type inbox struct {
	url  string
	hold func(payments.Notice) // when set, waits before a notice is taken

	mu        sync.Mutex
	notices   []payments.Notice
	refuse    func(tries int) int
	tries     map[string]int
	forgeries int
}

func newInbox(t *testing.T, refuse func(tries int) int) *inbox {
	in := &inbox{refuse: refuse, tries: map[string]int{}}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	in.url = server.URL + "/webhook"
	return in
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it will come again
	}
	n, err := payments.Verify([]byte(secret), r.Header.Get(payments.SignatureHeader), body, time.Now())
	if err == nil && in.hold != nil {
		in.hold(n)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err != nil {
		in.forgeries++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	in.tries[n.ID]++
	if in.refuse != nil {
		if status := in.refuse(in.tries[n.ID]); status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
	}
	in.notices = append(in.notices, n)
}

// taken are the notices that were taken, in order.
func (in *inbox) taken() []payments.Notice {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]payments.Notice(nil), in.notices...)
}

// takeAll makes it refuse nothing from now on.
func (in *inbox) takeAll() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.refuse = nil
}

// tried is how often a notice came, taken or not.
func (in *inbox) tried(id string) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.tries[id]
}

package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	oteltrace "go.opentelemetry.io/otel/trace"

	"designkits/shared/leaktest"
	"designkits/shared/service"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// running boots a service on port 0 and returns its base URL, a function that
// sends the signal, and the channel of its end.
func running(t *testing.T, handler http.Handler, build func(*service.Service)) (url string, signal func(), ended <-chan error) {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	end, up := make(chan error, 1), make(chan *service.Service, 1)
	go func() {
		end <- service.Run(ctx, "test", func(ctx context.Context, s *service.Service) error {
			if build != nil {
				build(s)
			}
			up <- s
			return s.Serve(ctx, "127.0.0.1:0", handler)
		})
	}()
	addr, err := (<-up).Addr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + addr.String(), cancel, end
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestStopLetsARunningRequestEndAndClosesInReverse(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	var closed []string
	url, signal, ended := running(t,
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-release
			_, _ = io.WriteString(w, "whole")
		}),
		func(s *service.Service) {
			for _, name := range []string{"store", "cache"} {
				s.OnClose(func(context.Context) error { closed = append(closed, name); return nil })
			}
			s.Go("worker", func(ctx context.Context) error {
				<-ctx.Done()
				closed = append(closed, "worker")
				return ctx.Err()
			})
		})

	answer := make(chan string, 1)
	go func() { _, body := get(t, url); answer <- body }()
	<-entered
	signal()
	select {
	case err := <-ended:
		t.Fatalf("ended (%v) while a request was under way", err)
	case body := <-answer:
		t.Fatalf("answered %q before it could", body)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if body := <-answer; body != "whole" {
		t.Errorf("the request under way got %q", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("a graceful stop returned %v", err)
	}
	if want := []string{"worker", "cache", "store"}; !slices.Equal(closed, want) {
		t.Errorf("closed %v, want %v", closed, want)
	}
}

func TestReadinessNamesWhatIsMissing(t *testing.T) {
	url, signal, ended := running(t, http.NotFoundHandler(), func(s *service.Service) {
		s.Ready("redis", func(context.Context) error { return nil })
		s.Ready("cassandra", func(context.Context) error { return errors.New("no hosts\nstack") })
	})
	status, body := get(t, url+"/readyz")
	var answer struct{ Checks map[string]string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if status != http.StatusServiceUnavailable || answer.Checks["redis"] != "ok" || answer.Checks["cassandra"] != "no hosts" {
		t.Errorf("readyz %d %v", status, answer.Checks)
	}
	if status, _ := get(t, url+"/healthz"); status != http.StatusOK {
		t.Errorf("healthz %d: a process with a missing store is alive", status)
	}
	if status, _ := get(t, url+"/metrics"); status != http.StatusOK {
		t.Errorf("metrics %d", status)
	}
	signal()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A choosy listener takes every second connection.
type choosy struct{ net.Listener }

func (c choosy) Accept() (net.Conn, error) {
	if refused, err := c.Listener.Accept(); err == nil {
		_ = refused.Close()
	}
	return c.Listener.Accept()
}

func TestConnectionsCanBeRefusedBeforeTheServer(t *testing.T) {
	url, signal, ended := running(t, http.NotFoundHandler(), func(s *service.Service) {
		s.Before = func(l net.Listener) net.Listener { return choosy{l} }
	})
	refused, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	if _, err := refused.Read(make([]byte, 1)); err == nil {
		t.Error("the first connection was not refused")
	}
	if status, _ := get(t, url+"/healthz"); status != http.StatusOK {
		t.Errorf("the second got %d", status)
	}
	signal()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestFailedBackgroundWorkEndsTheService(t *testing.T) {
	broken := errors.New("the consumer was fenced")
	_, _, ended := running(t, http.NotFoundHandler(), func(s *service.Service) {
		s.Go("consume", func(context.Context) error { return broken })
	})
	if err := <-ended; !errors.Is(err, broken) {
		t.Errorf("ended with %v, want %v", err, broken)
	}
}

func TestARequestGoesOnWithItsCallersTrace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "traces.json")
	t.Setenv("TRACES", file)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	seen := make(chan string, 1)
	url, signal, ended := running(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen <- oteltrace.SpanContextFromContext(r.Context()).TraceID().String()
	}), nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/abc", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := <-seen; got != trace {
		t.Errorf("the handler is in trace %s, want the caller's", got)
	}
	signal()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	spans, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(spans), trace) || !strings.Contains(string(spans), "GET /abc") {
		t.Errorf("%s, %v: want the request's span", spans, err)
	}
}

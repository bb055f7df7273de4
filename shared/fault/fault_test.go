package fault

import (
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// listen answers on a unix socket and returns what was asked.
func listen(t *testing.T, status int, answer string) (c *Client, asked func() string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	requests := make(chan string, 10)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- r.Method + " " + r.URL.Path + " " + strings.TrimSpace(string(body))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return Dial(socket), func() string { return <-requests }
}

func TestTheCallsAsTheyGoOverTheSocket(t *testing.T) {
	c, asked := listen(t, http.StatusOK, `[{"name":"redis","kind":"backend","state":"ready","pid":7,"rss":1024}]`)
	for name, do := range map[string]func() error{
		`POST /v1/kill {"name":"redis"}`:    func() error { return c.Kill(t.Context(), "redis") },
		`POST /v1/pause {"name":"redis"}`:   func() error { return c.Pause(t.Context(), "redis") },
		`POST /v1/resume {"name":"redis"}`:  func() error { return c.Resume(t.Context(), "redis") },
		`POST /v1/restart {"name":"redis"}`: func() error { return c.Restart(t.Context(), "redis") },
	} {
		if err := do(); err != nil {
			t.Error(err)
		}
		if got := asked(); got != name {
			t.Errorf("asked %q, want %q", got, name)
		}
	}
	list, err := c.Status(t.Context())
	if err != nil || len(list) != 1 || list[0] != (Status{Name: "redis", Kind: "backend", State: "ready", Pid: 7, RSS: 1024}) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestARefusalSaysWhy(t *testing.T) {
	for _, test := range []struct{ answer, want string }{
		{`{"error":"\"rediss\" isn't running here"}`, `"rediss" isn't running here`},
		{`<html>`, "404"},
	} {
		c, _ := listen(t, http.StatusNotFound, test.answer)
		err := c.Kill(t.Context(), "rediss")
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Code != http.StatusNotFound || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}

func TestWithoutAKitTheCommandIsNamed(t *testing.T) {
	t.Setenv(Variable, "")
	if _, err := Open(); err == nil || !strings.Contains(err.Error(), "infra/kit test") {
		t.Errorf("Open: %v", err)
	}
	t.Setenv(Variable, filepath.Join(t.TempDir(), "nobody"))
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(t.Context(), "redis"); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("Kill: %v", err)
	}
}

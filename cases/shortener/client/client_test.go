package client_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"designkits/cases/shortener/client"
)

func TestAStreamThatIsRefusedForNowIsAskedForAgain(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/live":
			http.NotFound(w, r)
		case asked.Add(1) == 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()
	c, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stream, err := c.Listen(t.Context(), "/live")
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.Body.Close()
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	if _, err := c.Listen(t.Context(), "/nothing"); err == nil {
		t.Error("what isn't there was a stream")
	}
}

package gateapi

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A page that doesn't read holds its stream, and what that costs, only so long.
func TestWhoDoesNotReadIsCutOff(t *testing.T) {
	ended := make(chan time.Duration, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		st := &stream{w: w, control: http.NewResponseController(w)}
		began := time.Now()
		for n := 0; !st.ended && n < 1000; n++ { // far more than there are buffers for
			st.send("place", ending{strings.Repeat("x", 1<<20)})
		}
		if !st.ended {
			t.Error("all was written to nobody")
		}
		ended <- time.Since(began)
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: gate\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	select {
	case after := <-ended:
		if after < writeIn {
			t.Errorf("cut off after %s already", after)
		}
	case <-time.After(time.Minute):
		t.Errorf("still waited for after a minute, with %s for each write", writeIn)
	}
}

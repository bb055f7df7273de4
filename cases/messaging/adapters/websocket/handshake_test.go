package websocket_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"designkits/cases/messaging/adapters/websocket"
)

func TestHandshakesThatAreRefused(t *testing.T) {
	seen := &counts{}
	s := newScene(t, websocket.Config{Origins: []string{"https://chat.example.org"}, Observer: seen}, func(r *http.Request) websocket.Session {
		return websocket.Echo{}
	})
	for origin, ok := range map[string]bool{
		"": true, "https://chat.example.org": true, s.http.URL: true,
		"https://evil.example.org": false, "http://chat.example.org": false, "null": false, "https://chat.example.org.evil.org": false,
	} {
		c, res, err := s.tryDial(func(_ *gorilla.Dialer, h http.Header) {
			if origin != "" {
				h.Set("Origin", origin)
			}
		})
		if ok != (err == nil) || !ok && res.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v, %v", origin, res, err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
	if n := seen.refusals(websocket.RefusedOrigin); n != 4 {
		t.Errorf("counted %d of a wrong origin", n)
	}
	for _, c := range []struct {
		header http.Header
		status int
	}{
		{http.Header{}, http.StatusUpgradeRequired},
		{http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"8"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}, http.StatusBadRequest},
		{http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"short"}}, http.StatusBadRequest},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.http.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header, req.Close = c.header, true
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.status || !strings.Contains(string(body), `"type":"/problems/`) {
			t.Errorf("%v: %d, %s, want %d", c.header, res.StatusCode, body, c.status)
		}
	}
	await(t, "all forgotten", func() bool { return s.Connections() == 0 })
}

func TestTheSessionIsAskedForBeforeTheHandshake(t *testing.T) {
	seen := &counts{}
	server, err := websocket.New(websocket.Config{Resume: []byte(resume), Observer: seen, PerAddress: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	front := httptest.NewServer(server.Handler(func(w http.ResponseWriter, r *http.Request) websocket.Session {
		if r.Header.Get("Panic") != "" {
			panic(http.ErrAbortHandler)
		}
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return nil
	}))
	defer front.Close()
	s := &scene{server, t, front}
	for range 3 { // each gives back what it took
		if _, res, err := s.tryDial(); err == nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%v, %v", res, err)
		}
		if _, _, err := s.tryDial(func(_ *gorilla.Dialer, h http.Header) { h.Set("Panic", "yes") }); err == nil {
			t.Error("connected")
		}
	}
	if n := server.Connections(); n != 0 || seen.refusals(websocket.RefusedByOpen) != 3 {
		t.Errorf("%d connections, %v", n, seen.refused)
	}
}

func TestAFloodFromOneAddressLeavesRoomForOthers(t *testing.T) {
	seen := &counts{}
	s := newScene(t, websocket.Config{PerAddress: 10, Observer: seen}, echoes)
	from := func(ip string) func(*gorilla.Dialer, http.Header) {
		return func(d *gorilla.Dialer, _ http.Header) {
			d.NetDial = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}).Dial
		}
	}
	var flood []*gorilla.Conn
	for n := range 50 {
		c, res, err := s.tryDial(from("127.0.0.2"))
		if (n < 10) != (err == nil) {
			t.Fatalf("connection %d: %v, %v", n+1, res, err)
		}
		if err != nil {
			if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
				t.Errorf("refused with %v", res)
			}
			continue
		}
		flood = append(flood, c)
	}
	if err := s.dial(from("127.0.0.3")).WriteMessage(gorilla.TextMessage, []byte("x")); err != nil {
		t.Error(err)
	}
	_ = flood[0].Close()
	await(t, "room for one more", func() bool {
		c, _, err := s.tryDial(from("127.0.0.2"))
		if err == nil {
			flood = append(flood, c)
		}
		return err == nil
	})
	for _, c := range flood {
		_ = c.Close()
	}
	if n := seen.refusals(websocket.RefusedAddress); n < 40 {
		t.Errorf("counted %d refused", n)
	}
}

func TestAGatewayIsFullAtItsLimit(t *testing.T) {
	s := newScene(t, websocket.Config{Connections: 3}, echoes)
	for range 3 {
		s.dial()
	}
	if _, res, err := s.tryDial(); err == nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%v, %v", res, err)
	}
}

// Who opens connections and doesn't finish the handshake can have but a few.
func TestSlowHandshakesOfOneAddressAreFew(t *testing.T) {
	seen := &counts{}
	server, err := websocket.New(websocket.Config{Resume: []byte(resume)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	front := httptest.NewUnstartedServer(server.Handler(func(http.ResponseWriter, *http.Request) websocket.Session { return websocket.Echo{} }))
	front.Listener = websocket.Handshakes(front.Listener, 5, seen)
	front.Config.ReadHeaderTimeout = 6 * time.Second
	front.Start()
	defer front.Close()
	s := &scene{server, t, front}
	for range 8 { // upgraded, they don't count
		s.dial()
	}
	var slow []net.Conn
	for range 20 {
		conn, err := net.Dial("tcp", front.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "GET / HT") // it may be closed already
		slow = append(slow, conn)
	}
	// More, where the server hasn't noticed yet that the last of the eight is upgraded.
	await(t, "15 refused", func() bool { return seen.refusals(websocket.RefusedUnfinished) >= 15 })
	// The other five are ended by the time-out, and then there is room again.
	for _, conn := range slow {
		_, _ = io.Copy(io.Discard, conn)
	}
	s.dial()
}

// A browser ends a connection whose offers of subprotocols are not answered.
func TestTheSubprotocolIsAnsweredAndNotWhatElseIsOffered(t *testing.T) {
	s := newScene(t, websocket.Config{Protocols: []string{"messaging.v1"}}, echoes)
	for offers, want := range map[string]string{"messaging.v1, bearer.x": "messaging.v1", "bearer.x": "", "": ""} {
		c := s.dial(func(_ *gorilla.Dialer, h http.Header) {
			if offers != "" {
				h.Set("Sec-WebSocket-Protocol", offers)
			}
		})
		if got := c.Subprotocol(); got != want {
			t.Errorf("offered %q: answered %q, want %q", offers, got, want)
		}
	}
}

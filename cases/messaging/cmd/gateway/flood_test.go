package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// from connects from another address of this machine, and returns what the gateway
// answers: the type of a problem, "" if it lets the device in.
func (s *site) from(address, gateway string, a messaging.Address) (*websocket.Conn, string) {
	s.t.Helper()
	own := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	dialer := websocket.Dialer{NetDialContext: own.DialContext, HandshakeTimeout: 10 * time.Second, Subprotocols: []string{identity.Protocol, identity.Bearer(s.token(a))}}
	conn, res, err := dialer.Dial("ws://"+s.Addr(gateway)+"/connect", nil)
	if err == nil {
		s.t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetReadDeadline(time.Now().Add(readWithin))
		return conn, ""
	}
	if res == nil {
		s.t.Fatalf("from %s: %v", address, err)
	}
	defer res.Body.Close()
	var problem struct{ Type string }
	if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
		s.t.Fatalf("from %s: %s: %v", address, res.Status, err)
	}
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		s.t.Errorf("from %s: %s, to try again after %q", address, res.Status, res.Header.Get("Retry-After"))
	}
	return nil, problem.Type
}

// One address connects too often, another begins handshakes and doesn't go on with
// them, and a device sends as fast as it can. Two who talk don't notice.
func TestWhoFloodsAGatewayIsStoppedAndNobodyElseNotices(t *testing.T) {
	const connects, unfinished = 30, 20
	t.Parallel() // it waits for handshakes to end
	s := newSiteWith(t, map[string]string{
		"ADDRESS_CONNECTS": fmt.Sprint(connects), "PER_ADDRESS": "10", "UNFINISHED_OF_ONE": fmt.Sprint(unfinished), "FRAMES_A_SECOND": "10",
	})
	ana, bo := s.person(1)[0], s.person(1)[0]
	direct := messaging.DirectID(ana.User, bo.User)
	only := func() []string { return []string{s.Addr("gateway-1")} } // where it all happens
	phone, tablet := s.connect(ana, only), s.connect(bo, only)
	if _, err := phone.Send(t.Context(), wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo.User}}); err != nil {
		t.Fatal(err)
	}
	said := 0
	talks := func(while string) {
		t.Helper()
		said++
		began := time.Now()
		if _, err := phone.Send(t.Context(), post(direct, fmt.Sprintf("while-%012d", said))); err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, 30*time.Second, "a message comes while "+while, func() bool { return s.book.Count(bo, direct) == said+1 })
		t.Logf("a message came within %s while %s", time.Since(began).Round(time.Millisecond), while)
	}
	talks("all is quiet")

	t.Run("too many connections at once, and too many in a minute", func(t *testing.T) {
		many := s.person(messaging.MaxDevices)
		many = append(many, s.person(messaging.MaxDevices)...)
		var open []*websocket.Conn
		for n, a := range many {
			conn, problem := s.from("127.0.0.2", "gateway-1", a)
			if (conn != nil) != (n < 10) {
				t.Errorf("connection %d of an address that may have 10: %s", n+1, problem)
			}
			if conn != nil {
				open = append(open, conn)
			}
		}
		talks("an address has all its connections")
		for _, conn := range open {
			_ = conn.Close()
		}
		began, let, problem := time.Now(), 0, ""
		for problem != "/problems/too-often" && let <= connects+1 {
			var conn *websocket.Conn
			if conn, problem = s.from("127.0.0.3", "gateway-1", many[let%len(many)]); conn != nil {
				let++
				_ = conn.Close()
			}
		}
		most := connects
		if time.Since(began.Truncate(time.Minute)) > time.Minute { // across the edge of a minute the sliding count isn't exact
			most++
		}
		if let > most {
			t.Errorf("%d connections within a minute, %d may be", let, most)
		}
		talks("an address connects and connects")
	})

	t.Run("handshakes that don't go on", func(t *testing.T) {
		var refused atomic.Int64
		var reading sync.WaitGroup
		defer reading.Wait()
		for range 2 * unfinished {
			own := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.4")}, Timeout: 5 * time.Second}
			conn, err := own.Dial("tcp", s.Addr("gateway-1"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			began := time.Now()
			_, _ = io.WriteString(conn, "GET /connect HTTP/1.1\r\nHost: x\r\nUpgrade: web") // it may be closed already
			reading.Go(func() {                                                             // all end: those above the limit at once, the others when their time is up
				_ = conn.SetReadDeadline(began.Add(20 * time.Second))
				_, err := bufio.NewReader(conn).ReadByte()
				if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
					t.Error("a handshake that never goes on is kept")
				}
				if time.Since(began) < 4*time.Second { // their time is 5 s
					refused.Add(1)
				}
			})
		}
		talks("forty handshakes don't go on")
		reading.Wait()
		if refused := refused.Load(); refused < unfinished {
			t.Errorf("%d of %d are refused at once", refused, 2*unfinished)
		}
	})

	t.Run("frames as fast as can be", func(t *testing.T) {
		conn, problem := s.from("127.0.0.5", "gateway-1", s.person(1)[0])
		if conn == nil {
			t.Fatal(problem)
		}
		await[wire.Welcome](t, conn)
		go func() { // ends with the connection, which the test closes
			for conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"typing"}`)) == nil {
			}
		}()
		if got := await[wire.Error](t, conn); got.Kind != "invalid" && got.Kind != "too-often" {
			t.Errorf("%+v", got)
		}
		if code := closedWith(t, conn); code != websocket.ClosePolicyViolation {
			t.Errorf("closed with %d", code)
		}
		talks("a device has sent as fast as it could")
	})
	t.Run("more messages at once than a device may send", func(t *testing.T) {
		var sending sync.WaitGroup
		for range 60 { // of 40 at once, and 10 a second
			said++
			m := post(direct, fmt.Sprintf("while-%012d", said))
			sending.Go(func() {
				if _, err := phone.Send(t.Context(), m); err != nil {
					t.Error(err)
				}
			})
		}
		sending.Wait()
		testenv.Eventually(t, 30*time.Second, "all of them come", func() bool { return s.book.Count(bo, direct) == said+1 })
	})
	if ends := phone.Ends() + tablet.Ends(); ends > 0 {
		t.Errorf("the two who talk lost %d connections", ends)
	}
}

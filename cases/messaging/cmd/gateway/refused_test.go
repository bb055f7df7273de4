package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	transport "designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/device"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// What somebody tries who doesn't belong here is refused, and nobody else notices.
func TestWhoDoesNotBelongIsRefused(t *testing.T) {
	s := newSite(t)
	ana, bo, eve := s.person(1)[0], s.person(1)[0], s.person(1)[0]
	direct := messaging.DirectID(ana.User, bo.User)
	phone := s.connect(ana, s.gateways)
	create := wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo.User}}
	if _, err := phone.Send(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	if _, err := phone.Send(t.Context(), post(direct, "0123456789abcdef")); err != nil {
		t.Fatal(err)
	}

	t.Run("handshakes", func(t *testing.T) {
		other := identity.Tokens{Secret: []byte("another secret of 32 bytes and more"), Now: time.Now}
		forged, _, _ := other.Sign(ana)
		out := s.person(1)[0]
		if err := s.store.SignOuts(nil).SignOut(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		for name, offer := range map[string]string{"no token": "x", "a forged one": identity.Bearer(forged), "one of a device that was signed out": identity.Bearer(s.token(out))} {
			if conn, status := s.dial("gateway-1", offer); conn != nil || status != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, status)
			}
		}
	})

	t.Run("a resume token is good once, at whatever gateway", func(t *testing.T) {
		conn, _ := s.dial("gateway-1", identity.Bearer(s.token(eve)))
		token := await[wire.Welcome](t, conn).Resume
		catchUp(t, conn)
		back, status := s.dial("gateway-2", identity.Resume(token))
		if back == nil {
			t.Fatalf("the first time: %d", status)
		}
		say(t, back, `{"type":"resume"}`)
		if code := closedWith(t, conn); code != 4001 {
			t.Errorf("the connection before is closed with %d", code)
		}
		if got := await[wire.Welcome](t, back); got.Device != eve || got.Resume == token {
			t.Errorf("%+v", got)
		}
		for _, gateway := range []string{"gateway-1", "gateway-2"} {
			if replayed, status := s.dial(gateway, identity.Resume(token)); replayed != nil || status != http.StatusUnauthorized {
				t.Errorf("replayed at %s: %d", gateway, status)
			}
		}
		_ = back.Close()
	})

	t.Run("a token is renewed in time, and not by a resume token", func(t *testing.T) {
		lasting := func(d time.Duration) string {
			soon := s.tokens
			soon.Now = func() time.Time { return time.Now().Add(d - identity.DeviceFor) }
			token, _, err := soon.Sign(eve)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		var offered atomic.Pointer[[]string]
		var conn device.Conn
		renewed := make(chan string, 1)
		ctx, cancel := context.WithCancel(t.Context())
		d := device.New(device.Config{
			Address: eve, Token: lasting(10 * time.Minute), Gateways: s.gateways, Shown: func(messaging.Message) error { return nil },
			Dial: func(ctx context.Context, gateway string, protocols []string) (_ device.Conn, err error) {
				offered.Store(&protocols)
				conn, err = transport.Dial(ctx, gateway, protocols)
				return conn, err
			},
			Heard: func(frame any) {
				if w, ok := frame.(*wire.Welcome); ok {
					select {
					case renewed <- w.Token:
					default: // one has come already
					}
				}
			},
		})
		var running sync.WaitGroup
		running.Go(func() { _ = d.Run(ctx) })
		defer running.Wait()
		defer cancel()
		var token string
		select {
		case token = <-renewed:
		case <-time.After(time.Minute):
			t.Fatal("no new token comes")
		}
		who, err := s.tokens.Check(token)
		if err != nil || who.Device != eve || time.Until(who.Until) < identity.DeviceFor-time.Minute {
			t.Fatalf("%+v, %v", who, err)
		}
		testenv.Eventually(t, 30*time.Second, "it has caught up", d.Current)
		if late, status := s.dial("gateway-1", identity.Bearer(lasting(-time.Second))); late != nil || status != http.StatusUnauthorized {
			t.Errorf("one that has ended: %d", status)
		}
		conn.Close()
		testenv.Eventually(t, 30*time.Second, "it is back with the new one", func() bool {
			return d.Ends() == 1 && d.Current() && slices.Contains(*offered.Load(), identity.Bearer(token))
		})
		again, _ := s.dial("gateway-1", identity.Bearer(token))
		first := await[wire.Welcome](t, again)
		if first.Token != "" {
			t.Error("a new token is renewed, too")
		}
		back, _ := s.dial("gateway-1", identity.Resume(first.Resume))
		if second := await[wire.Welcome](t, back); second.Token != "" {
			t.Error("a resume token brings one that lasts")
		}
		_ = back.Close()
	})

	t.Run("frames", func(t *testing.T) {
		conn, _ := s.dial("gateway-1", identity.Bearer(s.token(eve)))
		await[wire.Welcome](t, conn)
		for _, c := range []struct{ name, frame, kind string }{
			{"no JSON", `hello`, "invalid"},
			{"nothing", ``, "invalid"},
			{"JSON that is no object", `[{"type":"resume"}]`, "invalid"},
			{"an object without an end", `{"type":"resume"`, "invalid"},
			{"one in another in another …", strings.Repeat(`{"type":`, 10_500), "invalid"},
			{"a number where a text is due", `{"type":"send","ref":1}`, "invalid"},
			{"no type", `{"ref":"1"}`, "invalid"},
			{"an unknown type", `{"type":"drop"}`, "invalid"},
			{"a message to a conversation of others", fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"posted","body":{"shared":"eA=="}}`, direct), "not-member"},
			// The sender is who is connected: what the frame says of it isn't read.
			{"one in another's name", fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"posted","sender":%q,"body":{"shared":"eA=="}}`, direct, ana), "not-member"},
			{"a conversation of others begun anew", fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"created","users":[%q]}`, direct, bo.User), "invalid"},
			{"the history of others", fmt.Sprintf(`{"type":"history","ref":"1","conversation":%q,"from":1,"to":9}`, direct), "not-member"},
			{"a history backwards", fmt.Sprintf(`{"type":"history","ref":"1","conversation":%q,"from":9,"to":1}`, direct), "invalid"},
			{"an acknowledgement of others' messages", fmt.Sprintf(`{"type":"ack","conversation":%q,"seq":1}`, direct), "not-member"},
			{"who is among others", fmt.Sprintf(`{"type":"members","ref":"1","conversation":%q}`, direct), "not-member"},
			{"typing among others", fmt.Sprintf(`{"type":"typing","conversation":%q,"on":true}`, direct), "not-member"},
		} {
			say(t, conn, c.frame)
			if got := await[wire.Error](t, conn); got.Kind != c.kind {
				t.Errorf("%s: %+v, want %s", c.name, got, c.kind)
			}
		}
		if err := conn.WriteMessage(websocket.BinaryMessage, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if code := closedWith(t, conn); code != websocket.CloseUnsupportedData {
			t.Errorf("binary is answered with %d", code)
		}
		conn, _ = s.dial("gateway-1", identity.Bearer(s.token(eve)))
		say(t, conn, "{\"type\":\"\xff\"}")
		if code := closedWith(t, conn); code != websocket.CloseInvalidFramePayloadData {
			t.Errorf("text that is no UTF-8 is answered with %d", code)
		}
		conn, _ = s.dial("gateway-1", identity.Bearer(s.token(eve)))
		if _, err := conn.NetConn().Write([]byte{0x81, 0x02, '{', '}'}); err != nil {
			t.Fatal(err)
		}
		if code := closedWith(t, conn); code != websocket.CloseProtocolError {
			t.Errorf("a frame without a mask is answered with %d", code)
		}
		conn, _ = s.dial("gateway-1", identity.Bearer(s.token(eve)))
		say(t, conn, `{"type":"send","title":"`+strings.Repeat("x", wire.MaxFrame)+`"}`)
		if code := closedWith(t, conn); code != websocket.CloseMessageTooBig {
			t.Errorf("a frame that is too large is answered with %d", code)
		}
	})

	t.Run("a number that isn't there is not acknowledged", func(t *testing.T) {
		conn, _ := s.dial("gateway-2", identity.Bearer(s.token(bo)))
		await[wire.Welcome](t, conn)
		for seq, kind := range map[string]string{"99": "invalid", "9007199254740993": "invalid", "0": "invalid", "-1": "invalid"} {
			say(t, conn, fmt.Sprintf(`{"type":"ack","conversation":%q,"seq":%s}`, direct, seq))
			if got := await[wire.Error](t, conn); got.Kind != kind {
				t.Errorf("%s: %+v", seq, got)
			}
		}
		say(t, conn, `{"type":"resume"}`)
		// Both messages are there all the same.
		for want := messaging.Seq(1); want <= 2; want++ {
			if got := await[wire.Message](t, conn); got.Seq != want || got.Conversation != direct {
				t.Errorf("%+v, want number %d", got, want)
			}
		}
	})

	t.Run("a number is the owner's to give, and a time", func(t *testing.T) {
		conn, _ := s.dial("gateway-2", identity.Bearer(s.token(bo)))
		await[wire.Welcome](t, conn)
		say(t, conn, fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"numbered-by-me-0","kind":"posted","seq":99,"at":"1999-12-31T23:59:59Z","body":{"shared":"eA=="}}`, direct))
		if got := await[wire.Sent](t, conn); got.Seq != 3 || time.Since(got.At) > time.Minute {
			t.Errorf("%+v, want number 3, of now", got)
		}
	})

	t.Run("a page of another origin", func(t *testing.T) {
		header := http.Header{"Origin": {"https://evil.example"}}
		dialer := websocket.Dialer{Subprotocols: []string{identity.Protocol, identity.Bearer(s.token(ana))}}
		if _, res, err := dialer.Dial("ws://"+s.Addr("gateway-1")+"/connect", header); err == nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("%v, %v", res, err)
		}
		header.Set("Origin", "http://"+s.Addr("gateway-2"))
		conn, res, err := dialer.Dial("ws://"+s.Addr("gateway-1")+"/connect", header)
		if err != nil {
			t.Fatalf("a page of the other gateway: %v, %v", res, err)
		}
		_ = conn.Close()
	})

	if phone.Ends() > 1 { // once, when it was connected anew by the last test
		t.Errorf("a device that did nothing wrong lost its connection %d times", phone.Ends())
	}
}

package main

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// narrow connects with a receive buffer that is soon full.
func (s *site) narrow(gateway string, a messaging.Address) *websocket.Conn {
	s.t.Helper()
	dialer := websocket.Dialer{
		Subprotocols: []string{identity.Protocol, identity.Bearer(s.token(a))},
		NetDial: func(network, addr string) (net.Conn, error) {
			conn, err := net.Dial(network, addr)
			if err == nil {
				err = conn.(*net.TCPConn).SetReadBuffer(128 << 10)
			}
			return conn, err
		},
	}
	conn, _, err := dialer.Dial("ws://"+s.Addr(gateway)+"/connect", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(readWithin))
	return conn
}

// A device that reads nothing for a while holds up nobody. What was queued for it is
// dropped; it is told so, and has the rest from its inbox, or asks for it where it sees a
// gap or is given notice.
func TestADeviceThatReadsTooSlowlyHoldsUpNobodyAndMissesNothing(t *testing.T) {
	s := newSite(t)
	ana, bo, cy := s.person(1)[0], s.person(1)[0], s.person(1)[0]
	group := messaging.NewConversationID(messaging.Group)
	phone := s.connect(ana, s.gateways)
	s.connect(bo, s.gateways)
	slow := s.narrow("gateway-1", cy)
	await[wire.Welcome](t, slow)
	say(t, slow, `{"type":"resume"}`)
	await[wire.Current](t, slow)

	if _, err := phone.Send(t.Context(), wire.Send{Conversation: group, ID: "created-group-00", Kind: messaging.Created, Title: "pictures", Users: []messaging.UserID{bo.User, cy.User}}); err != nil {
		t.Fatal(err)
	}
	// Until it is too much for the system's buffers and the gateway's queue, and not for
	// much longer: a device that takes nothing for 15 s is given up.
	before, err := s.Metric(t.Context(), "gateway-1", "gateway_lagged_total")
	if err != nil {
		t.Fatal(err)
	}
	messages := 0
	body := messaging.Body{Shared: make([]byte, 48<<10)}
	for dropped := before; dropped == before; messages++ {
		if messages == 500 {
			t.Fatal("24 MB went to a device that reads nothing")
		}
		m := wire.Send{Conversation: group, ID: messaging.MessageID(fmt.Sprintf("large-%012d", messages)), Kind: messaging.Posted, Body: body}
		if _, err := phone.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		// The other has each of them, also while the slow one takes nothing.
		testenv.Eventually(t, 30*time.Second, "the other has it", func() bool { return s.book.Count(bo, group) == messages+2 })
		var err error
		if dropped, err = s.Metric(t.Context(), "gateway-1", "gateway_lagged_total"); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the other has %d of them, and the slow one lags", messages)

	next, last, lagged, current := messaging.Seq(1), messaging.Seq(0), 0, false
	asked := messaging.Seq(0)
	ask := func() {
		if next <= last && asked < last {
			asked = last
			say(t, slow, fmt.Sprintf(`{"type":"history","ref":"rest","conversation":%q,"from":%d,"to":%d}`, group, next, last))
		}
	}
	shown := func(seq messaging.Seq) {
		if seq > next { // what is between was dropped
			last = max(last, seq)
			ask()
			return
		}
		if next = max(next, seq+1); lagged > 0 { // before, it has read nothing yet
			say(t, slow, fmt.Sprintf(`{"type":"ack","conversation":%q,"seq":%d}`, group, seq))
		}
	}
	for !current || next <= messaging.Seq(messages+1) {
		_, text, err := slow.ReadMessage()
		if err != nil {
			t.Fatalf("with number %d next: %v", next, err)
		}
		frame, err := wire.Down(text)
		if err != nil {
			t.Fatal(err)
		}
		switch f := frame.(type) {
		case *wire.Lagging:
			lagged++
			say(t, slow, `{"type":"resume"}`)
		case *wire.Message:
			shown(f.Seq)
		case *wire.Notice:
			last = max(last, f.Seq)
			ask()
		case *wire.Page:
			for _, m := range f.Messages {
				shown(m.Seq)
			}
			asked = 0 // for the rest of it
			ask()
		case *wire.Current:
			current = true
		}
	}
	if lagged == 0 {
		t.Error("it wasn't told that it is too slow")
	}
}

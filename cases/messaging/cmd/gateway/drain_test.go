package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// A moved is what a device was told when its gateway stopped.
type moved struct {
	moves  []time.Duration
	closed *websocket.CloseError
	at     time.Time
}

// untilClosed reads until the connection ends.
func untilClosed(conn *websocket.Conn) (m moved, err error) {
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			m.at = time.Now()
			if !errors.As(err, &m.closed) {
				return m, err
			}
			return m, nil
		}
		frame, err := wire.Down(text)
		if err != nil {
			return m, err
		}
		if move, ok := frame.(*wire.Move); ok {
			m.moves = append(m.moves, move.After)
		}
	}
}

// A gateway is restarted, as it is for a new version, with two who talk and 32 who
// listen connected to it: everybody is told to move, each at another moment, and of
// what is said nothing is missing.
func TestAGatewayThatStopsMovesItsDevices(t *testing.T) {
	s := newSite(t)
	var idle []*websocket.Conn
	for range 4 {
		for _, a := range s.person(messaging.MaxDevices) {
			idle = append(idle, s.live("gateway-1", a))
		}
	}
	ana, bo := s.person(1)[0], s.person(1)[0]
	var stops atomic.Bool
	gateways := func() []string {
		if stops.Load() {
			return s.gateways()
		}
		return []string{s.Addr("gateway-1")}
	}
	phone, tablet := s.connect(ana, gateways), s.connect(bo, gateways)
	direct := messaging.DirectID(ana.User, bo.User)
	create := wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo.User}}
	sent, err := phone.Send(t.Context(), create)
	if err != nil {
		t.Fatal(err)
	}
	s.book.Sent(direct, create.ID, sent.Seq)

	told := make([]moved, len(idle))
	var waiting sync.WaitGroup
	for i, conn := range idle {
		waiting.Go(func() {
			var err error
			if told[i], err = untilClosed(conn); err != nil {
				t.Errorf("device %d wasn't closed in good order: %v", i, err)
			}
		})
	}
	stops.Store(true)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Restart(t.Context(), "gateway-1") }()
	said := 0
	for done := false; !done; said++ {
		m := post(direct, fmt.Sprintf("while-%012d", said))
		sent, err := phone.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		s.book.Sent(direct, m.ID, sent.Seq)
		select {
		case err := <-stopped:
			if done = true; err != nil {
				t.Error(err)
			}
		default:
		}
	}
	waiting.Wait()

	var after []time.Duration
	var closed []time.Time
	for i, m := range told {
		if len(m.moves) != 1 || m.moves[0] < 0 || m.moves[0] >= drainWithin/2 {
			t.Errorf("device %d is told to move %v", i, m.moves)
			continue
		}
		if m.closed == nil || m.closed.Code != websocket.CloseServiceRestart || !strings.HasPrefix(m.closed.Text, "retry-after-ms=") {
			t.Errorf("device %d is closed with %v", i, m.closed)
			continue
		}
		after, closed = append(after, m.moves[0]), append(closed, m.at)
	}
	if len(after) > 0 && (slices.Max(after)-slices.Min(after) < time.Second || slices.MaxFunc(closed, time.Time.Compare).Sub(slices.MinFunc(closed, time.Time.Compare)) < time.Second) {
		t.Errorf("they are all to move at once: after %v", after)
	}
	want := said + 1
	testenv.Eventually(t, time.Minute, "both show all of it", func() bool { return s.book.Count(ana, direct) == want && s.book.Count(bo, direct) == want })
	if v := s.book.Check(direct, s.history(direct), ana, bo); !v.OK() {
		t.Errorf("%+v", v)
	}
	if phone.Ends() == 0 || tablet.Ends() == 0 {
		t.Errorf("the two were at the gateway that stopped, and %d and %d of their connections ended", phone.Ends(), tablet.Ends())
	}
	t.Logf("%d messages were said meanwhile, %d connections of the two ended", said, phone.Ends()+tablet.Ends())
}

// A gateway stops in time while a message that nobody can commit is under way.
func TestAGatewayStopsWhileNobodyOwnsWhatIsSent(t *testing.T) {
	s := newSiteWith(t, nil)
	ana, bo := s.person(1)[0], s.person(1)[0]
	conn := s.live("gateway-1", ana)
	for _, name := range []string{"chat-1", "chat-2"} {
		if err := s.Lose(name); err != nil {
			t.Fatal(err)
		}
	}
	say(t, conn, fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"nobody-commits-it","kind":"created","users":[%q]}`, messaging.DirectID(ana.User, bo.User), bo.User))
	other := s.live("gateway-1", bo) // by then the gateway has read it
	var reading sync.WaitGroup
	for _, conn := range []*websocket.Conn{conn, other} {
		reading.Go(func() { // who reads answers the close frame, and isn't waited for
			if m, err := untilClosed(conn); err != nil || m.closed.Code != websocket.CloseServiceRestart {
				t.Errorf("closed with %v, %v", m.closed, err)
			}
		})
	}
	if err := s.Restart(t.Context(), "gateway-1"); err != nil {
		t.Error(err)
	}
	reading.Wait()
}

package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/presence"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// live connects a device and has it catch up.
func (s *site) live(gateway string, a messaging.Address) *websocket.Conn {
	s.t.Helper()
	conn, status := s.dial(gateway, identity.Bearer(s.token(a)))
	if conn == nil {
		s.t.Fatalf("%s isn't let in: %d", a, status)
	}
	await[wire.Welcome](s.t, conn)
	catchUp(s.t, conn)
	return conn
}

func catchUp(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	say(t, conn, `{"type":"resume"}`)
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			t.Fatalf("catching up: %v", err)
		}
		frame, err := wire.Down(text)
		if err != nil {
			t.Fatal(err)
		}
		switch f := frame.(type) {
		case *wire.Message: // what waits for it comes first, and is to be acknowledged
			say(t, conn, fmt.Sprintf(`{"type":"ack","conversation":%q,"seq":%d}`, f.Conversation, f.Seq))
		case *wire.Current:
			return
		}
	}
}

// Two gateways: who watches is at the one, who is watched at the other.
func TestWhoHasTheChatOpenSeesWhoIsThere(t *testing.T) {
	t.Parallel() // most of it is waiting
	s := newSiteWith(t, nil)
	ana, bo, eve := s.person(1)[0], s.person(1)[0], s.person(1)[0]
	one, direct := s.live("gateway-1", ana), messaging.DirectID(ana.User, bo.User)
	say(t, one, fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"created","users":[%q]}`, direct, bo.User))
	await[wire.Sent](t, one)
	testenv.Eventually(t, 30*time.Second, "they are known to know each other", func() bool { // which is stored a moment after it is sent
		_, err := s.db.Rosters().Membership(t.Context(), direct, ana.User)
		return err == nil
	})

	two, three := s.live("gateway-2", bo), s.live("gateway-2", eve)
	watch := fmt.Sprintf(`{"type":"watch","ref":"w","users":[%q]}`, ana.User)
	say(t, two, watch)
	if got := await[wire.Presence](t, two); got.User != ana.User || !got.Online {
		t.Errorf("at first %+v", got)
	}

	// A tunnel: she is away for less than Grace, and nobody hears of it.
	_ = one.Close()
	one = s.live("gateway-1", ana)
	left := time.Now()
	_ = one.Close()
	got := await[wire.Presence](t, two)
	if after := time.Since(left); got.Online || after < presence.Grace-time.Second {
		t.Errorf("after %s %+v", after, got)
	}
	if off := got.LastSeen.Sub(left); off < -time.Second || off > presence.Grace/2 { // and not when she was found to be gone
		t.Errorf("she was last seen %s after she left", off)
	}

	// Who shares no conversation with her sees her when she shows herself to everybody.
	show := func(to presence.Privacy) {
		t.Helper()
		if err := s.db.PresenceSettings().Show(t.Context(), ana.User, to); err != nil {
			t.Fatal(err)
		}
	}
	show(presence.Everybody)
	say(t, three, watch)
	if seen := await[wire.Presence](t, three); seen.Online || !seen.LastSeen.Equal(got.LastSeen) {
		t.Errorf("a stranger is told %+v", seen)
	}
	show(presence.Nobody)
	for name, conn := range map[string]*websocket.Conn{"who knows her": two, "a stranger": three} {
		if seen := await[wire.Presence](t, conn); seen.User != ana.User || seen.Online || !seen.LastSeen.IsZero() {
			t.Errorf("%s is still told %+v", name, seen)
		}
	}

	s.refusedWatches(three, direct)
}

// refusedWatches tries what can't be watched.
func (s *site) refusedWatches(conn *websocket.Conn, others messaging.ConversationID) {
	s.t.Helper()
	many := fmt.Sprintf("%q", messaging.NewUserID())
	for range presence.MaxWatched {
		many += fmt.Sprintf(",%q", messaging.NewUserID())
	}
	for name, c := range map[string]struct{ frame, kind string }{
		"too many":                      {`{"type":"watch","ref":"w","users":[` + many + `]}`, "invalid"},
		"nobody's account":              {`{"type":"watch","ref":"w","users":["ana"]}`, "invalid"},
		"from a conversation of others": {fmt.Sprintf(`{"type":"watch","ref":"w","conversation":%q,"users":[]}`, others), "not-member"},
	} {
		say(s.t, conn, c.frame)
		if got := await[wire.Error](s.t, conn); got.Kind != c.kind || got.Ref != "w" {
			s.t.Errorf("%s: %+v", name, got)
		}
	}
}

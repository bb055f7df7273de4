package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// again says something every second until that is enough: what others are told of it
// they are told once, and it may get lost.
func again(conn *websocket.Conn, text string) (enough func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var saying sync.WaitGroup
	saying.Go(func() {
		every := time.NewTicker(time.Second)
		defer every.Stop()
		for conn.WriteMessage(websocket.TextMessage, []byte(text)) == nil { // until it is closed, where the test ends before
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { cancel(); saying.Wait() }
}

// What is acknowledged is told to the others, and typing; a device that was
// signed out is gone at once.
func TestOthersAreToldAndWhoIsSignedOutIsGone(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(1)[0], s.person(1)[0]
	direct := messaging.DirectID(ana.User, bo.User)
	one, _ := s.dial("gateway-1", identity.Bearer(s.token(ana)))
	two, _ := s.dial("gateway-2", identity.Bearer(s.token(bo)))
	for _, conn := range []*websocket.Conn{one, two} {
		await[wire.Welcome](t, conn)
		say(t, conn, `{"type":"resume","ref":"r"}`)
		if got := await[wire.Current](t, conn); got.Ref != "r" {
			t.Errorf("%+v", got)
		}
	}
	say(t, one, fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"created","users":[%q]}`, direct, bo.User))
	await[wire.Sent](t, one)
	if got := await[wire.Message](t, two); got.Kind != messaging.Created || got.Sender != ana {
		t.Errorf("%+v", got)
	}
	enough := again(two, fmt.Sprintf(`{"type":"ack","conversation":%q,"seq":1,"read":true}`, direct))
	if got := await[wire.Receipt](t, one); got.Device != bo || got.Read != 1 || got.Delivered != 1 {
		t.Errorf("%+v", got)
	}
	enough()
	testenv.Eventually(t, time.Minute, "what was told is stored", func() bool {
		stored, err := s.db.Receipts().Of(t.Context(), direct, 10)
		return err == nil && len(stored) == 1 && stored[0].Read == 1
	})
	say(t, one, fmt.Sprintf(`{"type":"members","ref":"m","conversation":%q}`, direct))
	admin := wire.RosterMember{User: ana.User, Role: messaging.Admin, Since: 1}
	if got := await[wire.Roster](t, one); len(got.Members) != 2 || !slices.Contains(got.Members, admin) || got.More || len(got.Receipts) != 1 || got.Receipts[0].Read != 1 {
		t.Errorf("%+v", got)
	}
	enough = again(two, fmt.Sprintf(`{"type":"typing","conversation":%q,"on":true}`, direct))
	if got := await[wire.TypingBy](t, one); got.By != bo.User || !got.On {
		t.Errorf("%+v", got)
	}
	enough()
	if err := s.store.SignOuts(nil).SignOut(t.Context(), bo); err != nil {
		t.Fatal(err)
	}
	if code := closedWith(t, two); code != 4003 {
		t.Errorf("closed with %d", code)
	}
}

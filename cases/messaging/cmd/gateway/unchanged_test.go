package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// What is refused in a channel, and between two, leaves everything as it was: who is
// there, what was said, and how far each device has it.
func TestAFrameThatIsRefusedChangesNothing(t *testing.T) {
	s := newSite(t)
	ana, bo, eve := s.person(1)[0], s.person(1)[0], s.person(1)[0]
	channel, direct := messaging.NewConversationID(messaging.Channel), messaging.DirectID(ana.User, bo.User)
	by := map[messaging.Address]*websocket.Conn{}
	for gateway, a := range map[string]messaging.Address{"gateway-1": ana, "gateway-2": bo} {
		by[a], _ = s.dial(gateway, identity.Bearer(s.token(a)))
	}
	by[eve], _ = s.dial("gateway-1", identity.Bearer(s.token(eve)))
	for _, conn := range by { // one that says nothing at first is closed after a while
		say(t, conn, string(wire.Encode(wire.Members{Ref: "hello", Conversation: messaging.NewConversationID(messaging.Group)})))
		await[wire.Error](t, conn)
	}
	send := func(m wire.Send) wire.Send { m.Ref = string(m.ID); return m }
	posted := func(c messaging.ConversationID, id, body string) wire.Send {
		return send(wire.Send{Conversation: c, ID: messaging.MessageID(id), Kind: messaging.Posted, Body: messaging.Body{Shared: []byte(body)}})
	}
	kind := func(c messaging.ConversationID, k messaging.MessageKind, users ...messaging.UserID) wire.Send {
		return send(wire.Send{Conversation: c, ID: "refused-00000000", Kind: k, Users: users})
	}
	for _, m := range []wire.Send{
		send(wire.Send{Conversation: channel, ID: "created-channel-", Kind: messaging.Created, Title: "Water", Users: []messaging.UserID{bo.User}}),
		posted(channel, "posted-channel-0", "the water is off"),
		send(wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo.User}}),
		posted(direct, "posted-direct-00", "do you have water?"),
	} {
		say(t, by[ana], string(wire.Encode(m)))
		await[wire.Sent](t, by[ana])
	}
	testenv.Eventually(t, time.Minute, "all of it is stored", func() bool { return len(s.history(channel))+len(s.history(direct)) == 4 })

	// state is what both are told when they ask.
	state := func() string {
		var all []any
		for _, a := range []messaging.Address{ana, bo} {
			for _, c := range []messaging.ConversationID{channel, direct} {
				say(t, by[a], string(wire.Encode(wire.Members{Ref: "who", Conversation: c})))
				all = append(all, await[wire.Roster](t, by[a]))
				say(t, by[a], string(wire.Encode(wire.History{Ref: "what", Conversation: c, From: 1, To: 100})))
				all = append(all, await[wire.Page](t, by[a]))
			}
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var before string
	say(t, by[bo], string(wire.Encode(wire.Ack{Conversation: direct, Seq: 1})))
	testenv.Eventually(t, time.Minute, "both are told how far bo's device is", func() bool {
		before = state()
		return strings.Count(before, `"delivered":1`) == 2
	})
	if n := strings.Count(before, `"kind":"posted"`); n != 4 {
		t.Fatalf("both see %d messages in all, want two each: %s", n, before)
	}
	for _, c := range []struct {
		name  string
		by    messaging.Address
		frame any
		kind  string
	}{
		{"a reader writes in a channel", bo, posted(channel, "refused-00000000", "me too"), "not-allowed"},
		{"a reader adds somebody", bo, kind(channel, messaging.Added, eve.User), "not-allowed"},
		{"a reader removes its admin", bo, kind(channel, messaging.Removed, ana.User), "not-allowed"},
		{"a reader deletes what its admin wrote", bo, send(wire.Send{Conversation: channel, ID: "refused-00000000", Kind: messaging.Deleted, Target: 2}), "not-allowed"},
		{"a reader begins it anew", bo, send(wire.Send{Conversation: channel, ID: "refused-00000000", Kind: messaging.Created, Title: "Fire", Users: []messaging.UserID{eve.User}}), "taken"},
		{"somebody writes who isn't in it", eve, posted(channel, "refused-00000000", "let me in"), "not-member"},
		{"somebody adds herself", eve, kind(channel, messaging.Added, eve.User), "not-member"},
		{"somebody who isn't in it removes a reader", eve, kind(channel, messaging.Removed, bo.User), "not-member"},
		{"somebody leaves who isn't in it", eve, kind(channel, messaging.Left), "not-member"},
		{"somebody who isn't in it has it all", eve, wire.Ack{Conversation: channel, Seq: 2, Read: true}, "not-member"},
		{"a reader has more than there is", bo, wire.Ack{Conversation: channel, Seq: 3, Read: true}, "invalid"},
		{"an admin says nothing", ana, kind(channel, messaging.Posted), "invalid"},
		{"an admin says too much", ana, posted(channel, "refused-00000000", strings.Repeat("x", messaging.MaxBody+1)), "invalid"},
		{"an admin deletes what isn't there", ana, send(wire.Send{Conversation: channel, ID: "refused-00000000", Kind: messaging.Deleted, Target: 99}), "not-found"},
		{"an admin deletes nothing", ana, kind(channel, messaging.Deleted), "invalid"},
		{"an admin adds nobody", ana, kind(channel, messaging.Added), "invalid"},
		{"an admin adds somebody and what is no account", ana, kind(channel, messaging.Added, eve.User, "eve"), "invalid"},
		{"an admin pins a message, which there isn't", ana, kind(channel, "pinned"), "invalid"},
		{"one of two brings a third", ana, kind(direct, messaging.Added, eve.User), "not-allowed"},
		{"one of two removes the other", ana, kind(direct, messaging.Removed, bo.User), "not-allowed"},
		{"one of two leaves", bo, kind(direct, messaging.Left), "not-allowed"},
		{"one of two deletes what the other wrote", bo, send(wire.Send{Conversation: direct, ID: "refused-00000000", Kind: messaging.Deleted, Target: 2}), "not-allowed"},
		{"one of two begins it anew", bo, kind(direct, messaging.Created, ana.User), "taken"},
		{"one of two has more than there is", bo, wire.Ack{Conversation: direct, Seq: 3}, "invalid"},
		{"one of two has less than nothing", bo, wire.Ack{Conversation: direct, Seq: -1}, "invalid"},
	} {
		say(t, by[c.by], string(wire.Encode(c.frame)))
		if got := await[wire.Error](t, by[c.by]); got.Kind != c.kind {
			t.Errorf("%s: %+v, want %s", c.name, got, c.kind)
		}
		if after := state(); after != before {
			t.Fatalf("%s is refused, and it was\n%s\nand is\n%s", c.name, before, after)
		}
	}
	// The control: what is refused to a reader, by the admin.
	say(t, by[ana], string(wire.Encode(posted(channel, "allowed-00000000", "the water is on"))))
	await[wire.Sent](t, by[ana])
	testenv.Eventually(t, time.Minute, "it is seen what isn't refused", func() bool { return state() != before })
}

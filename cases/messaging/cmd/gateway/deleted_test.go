package main

import (
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// Of two devices one is there and one is away when a message is deleted for everybody.
// The one that was away never gets to read it.
func TestADeviceThatWasAwayNeverReadsWhatWasDeletedMeanwhile(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(1)[0], s.person(2)
	direct := messaging.DirectID(ana.User, bo[0].User)
	phone, tablet := s.connect(ana, s.gateways), s.connect(bo[0], s.gateways)
	regretted := wire.Send{Conversation: direct, ID: "regretted-000000", Kind: messaging.Posted, Body: messaging.Body{
		Shared: []byte("for all"), To: map[messaging.Address][]byte{bo[0]: []byte("for the tablet"), bo[1]: []byte("for the laptop")},
	}}
	for _, m := range []wire.Send{
		{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo[0].User}},
		regretted,
		post(direct, "kept-00000000000"),
	} {
		if _, err := phone.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	testenv.Eventually(t, 30*time.Second, "the laptop's inbox has all of it", func() bool { return s.inbox(bo[1]) == 3 })
	// Who didn't write it can't have it deleted.
	if _, err := tablet.Send(t.Context(), wire.Send{Conversation: direct, ID: "deleted-by-other", Kind: messaging.Deleted, Target: 2}); err == nil {
		t.Error("another's message was deleted")
	}
	if _, err := phone.Send(t.Context(), wire.Send{Conversation: direct, ID: "deleted-00000000", Kind: messaging.Deleted, Target: 2}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the tablet is told", func() bool { return s.book.Count(bo[0], direct) == 4 })

	laptop, _ := s.dial("gateway-1", identity.Bearer(s.token(bo[1])))
	await[wire.Welcome](t, laptop)
	say(t, laptop, `{"type":"resume"}`)
	for seq, kind := range []messaging.MessageKind{messaging.Created, messaging.Posted, messaging.Posted, messaging.Deleted} {
		m := await[wire.Message](t, laptop)
		if m.Seq != messaging.Seq(seq+1) || m.Kind != kind {
			t.Errorf("%+v, want number %d, %s", m, seq+1, kind)
		}
		if bytes := m.Body.Size(); (bytes > 0) != (m.Seq == 3) {
			t.Errorf("number %d has %d bytes of bodies", m.Seq, bytes)
		}
	}
	for _, m := range s.history(direct) {
		if m.Seq == 2 && m.Body.Size() > 0 {
			t.Errorf("the history keeps %+v", m.Body)
		}
	}
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// crowd are people without devices: nobody tells them from those who are away.
func crowd(n int) []messaging.UserID {
	users := make([]messaging.UserID, n)
	for i := range users {
		users[i] = messaging.NewUserID()
	}
	return users
}

// gather makes a group or channel of all these, as many at a time as may be, and
// returns the number of the message that has brought the last of them.
func (s *site) gather(by *device.Device, c messaging.ConversationID, users []messaging.UserID) (last messaging.Seq) {
	s.t.Helper()
	n := 0
	for some := range slices.Chunk(users, messaging.MaxAdded) {
		m := wire.Send{Conversation: c, ID: messaging.MessageID(fmt.Sprintf("gather-%012d", n)), Kind: messaging.Added, Users: some}
		if n == 0 {
			m.Kind, m.Title = messaging.Created, "a crowd"
		}
		sent, err := by.Send(s.t.Context(), m)
		if err != nil {
			s.t.Fatal(err)
		}
		s.book.Sent(c, m.ID, sent.Seq)
		last = sent.Seq
		n++
	}
	return last
}

func refusal(t *testing.T, err error) wire.Error {
	t.Helper()
	r, ok := errors.AsType[*device.Refusal](err)
	if !ok {
		t.Fatalf("%v, want a refusal", err)
	}
	return r.Frame
}

// Ten thousand are in it, a few of them connected to both gateways. Nothing is written
// to anybody's inbox, and those who are there have all of it at once, in order.
func TestAGroupOf10000Talks(t *testing.T) {
	const members, there, each = 10_000, 8, 10
	s := newSite(t)
	c := messaging.NewConversationID(messaging.Group)
	var people []messaging.Address
	devices := map[messaging.Address]*device.Device{}
	for range there {
		a := s.person(1)[0]
		people = append(people, a)
		devices[a] = s.connect(a, s.gateways)
	}
	users := crowd(members - there)
	for _, a := range people[1:] {
		users = append(users, a.User)
	}
	from := s.gather(devices[people[0]], c, users) // they are the last of them
	began := time.Now()
	for n := range each {
		for i, a := range people {
			m := post(c, fmt.Sprintf("said-%d-%012d", i, n))
			sent, err := devices[a].Send(t.Context(), m)
			if err != nil {
				t.Fatalf("%s: %v", a, err)
			}
			s.book.Sent(c, m.ID, sent.Seq)
		}
	}
	// Each sees it from where they came in: with the last Added.
	want := each*there + 1
	for _, a := range people[1:] {
		testenv.Eventually(t, time.Minute, a.String()+" shows all that is theirs", func() bool { return s.book.Count(a, c) >= want })
		if got := s.book.Count(a, c); got > want {
			t.Errorf("%s shows %d messages, and may read %d", a, got, want)
		}
		if n := s.inbox(a); n > 0 {
			t.Errorf("the inbox of %s has %d items", a, n)
		}
	}
	testenv.Eventually(t, time.Minute, "who began it shows everything", func() bool { return s.book.Count(people[0], c) == int(from)+each*there })
	if v := s.book.Check(c, s.history(c), people[0]); !v.OK() {
		t.Errorf("%+v", v)
	}
	t.Logf("%d messages to %d members took %s", each*there, members, time.Since(began).Round(time.Millisecond))
}

// A member of a large group comes back between two messages. What was said while it
// could not be found it is told when it resumes, though others have just asked how far
// the group is.
func TestWhoComesBackToALargeGroupIsToldItsNewest(t *testing.T) {
	s := newSite(t)
	ana, bo, eve := s.person(1)[0], s.person(1)[0], s.person(1)[0]
	c := messaging.NewConversationID(messaging.Group)
	writer := s.connect(ana, s.gateways)
	s.gather(writer, c, append(crowd(500), bo.User, eve.User))
	notice := func(a messaging.Address) messaging.Seq {
		t.Helper()
		conn, status := s.dial("gateway-1", identity.Bearer(s.token(a)))
		if conn == nil {
			t.Fatalf("%s doesn't connect: %d", a, status)
		}
		defer conn.Close()
		await[wire.Welcome](t, conn)
		say(t, conn, `{"type":"resume"}`)
		for {
			if n := await[wire.Notice](t, conn); n.Conversation == c {
				return n.Seq
			}
		}
	}
	for i := range 10 {
		notice(eve)
		sent, err := writer.Send(t.Context(), post(c, fmt.Sprintf("while-away-%012d", i)))
		if err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, 30*time.Second, "it is stored", func() bool {
			all := s.history(c)
			return len(all) > 0 && all[len(all)-1].Seq >= sent.Seq
		})
		if got := notice(bo); got < sent.Seq {
			t.Errorf("who comes back is told of message %d, and there are %d", got, sent.Seq)
		}
	}
}

// In a broadcast channel admins write and everybody reads.
func TestInAChannelOnlyItsAdminsWrite(t *testing.T) {
	s := newSite(t)
	ana, bo, eve := s.person(1)[0], s.person(1)[0], s.person(1)[0]
	news := messaging.NewConversationID(messaging.Channel)
	owner, reader, stranger := s.connect(ana, s.gateways), s.connect(bo, s.gateways), s.connect(eve, s.gateways)
	s.gather(owner, news, append(crowd(500), bo.User))
	if _, err := owner.Send(t.Context(), post(news, "news-of-the-day-1")); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the reader has it", func() bool { return s.book.Count(bo, news) == 2 })
	for name, c := range map[string]struct {
		by   *device.Device
		m    wire.Send
		kind string
	}{
		"a reader's message":      {reader, post(news, "a-comment-of-mine"), "not-allowed"},
		"a reader who adds":       {reader, wire.Send{Conversation: news, ID: "added-0000000000", Kind: messaging.Added, Users: []messaging.UserID{eve.User}}, "not-allowed"},
		"a reader who deletes":    {reader, wire.Send{Conversation: news, ID: "deleted-00000000", Kind: messaging.Deleted, Target: 2}, "not-allowed"},
		"a stranger's message":    {stranger, post(news, "let-me-in-please0"), "not-member"},
		"one who makes it theirs": {stranger, wire.Send{Conversation: news, ID: "created-again-00", Kind: messaging.Created, Users: crowd(1), Title: "mine"}, "taken"},
	} {
		_, err := c.by.Send(t.Context(), c.m)
		if got := refusal(t, err); got.Kind != c.kind {
			t.Errorf("%s: %+v, want %s", name, got, c.kind)
		}
	}
	if _, err := reader.Send(t.Context(), wire.Send{Conversation: news, ID: "left-00000000000", Kind: messaging.Left}); err != nil {
		t.Errorf("who has read enough can't leave: %v", err)
	}
}

// Nobody is in more conversations than there may be, whoever brings them in.
func TestSomebodyIsInSoManyConversationsAndNoMore(t *testing.T) {
	s := newSiteWith(t, map[string]string{"CONVERSATIONS": "3"})
	ana, bo := s.person(1)[0], s.person(1)[0]
	phone, tablet := s.connect(ana, s.gateways), s.connect(bo, s.gateways)
	var last messaging.ConversationID
	for range 3 {
		last = messaging.NewConversationID(messaging.Group)
		s.gather(phone, last, []messaging.UserID{messaging.NewUserID()})
	}
	s.isIn(ana.User, 3)
	begin := wire.Send{Conversation: messaging.NewConversationID(messaging.Group), ID: "a-fourth-0000000", Kind: messaging.Created, Title: "one more", Users: []messaging.UserID{bo.User}}
	_, err := phone.Send(t.Context(), begin)
	if got := refusal(t, err); got.Kind != "too-many" || got.Again || got.Detail != string(ana.User)+" is in 3 conversations, and may be in no more: leave some" {
		t.Errorf("one that she begins: %+v", got)
	}
	invite := wire.Send{Conversation: messaging.NewConversationID(messaging.Group), ID: "an-invitation-00", Kind: messaging.Created, Title: "come", Users: []messaging.UserID{ana.User}}
	_, err = tablet.Send(t.Context(), invite)
	if got := refusal(t, err); got.Kind != "too-many" {
		t.Errorf("one that she is brought into: %+v", got)
	}
	if _, err := phone.Send(t.Context(), wire.Send{Conversation: last, ID: "left-00000000000", Kind: messaging.Left}); err != nil {
		t.Fatal(err)
	}
	s.isIn(ana.User, 2)
	if _, err := phone.Send(t.Context(), begin); err != nil {
		t.Errorf("when she has left one: %v", err)
	}
}

func (s *site) isIn(u messaging.UserID, conversations int) {
	s.t.Helper()
	testenv.Eventually(s.t, 30*time.Second, fmt.Sprintf("%s is in %d", u, conversations), func() bool {
		n, err := s.db.Rosters().Count(s.t.Context(), []messaging.UserID{u})
		return err == nil && n[0] == conversations
	})
}

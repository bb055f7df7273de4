package main

import (
	"fmt"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/session"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// A device that was away gets what its inbox holds page by page, each after it has
// acknowledged the one before, while more is sent to it; then it is current.
func TestADeviceThatWasAwayCatchesUpInPages(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(1)[0], s.person(1)[0]
	direct := messaging.DirectID(ana.User, bo.User)
	phone := s.connect(ana, s.gateways)
	send := func(m wire.Send) {
		t.Helper()
		sent, err := phone.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		s.book.Sent(m.Conversation, m.ID, sent.Seq)
	}
	send(wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo.User}})
	const away = 250
	for n := range away {
		send(post(direct, fmt.Sprintf("away-%012d", n)))
	}
	testenv.Eventually(t, time.Minute, "all is in the inbox", func() bool { return s.inbox(bo) == away+1 })

	conn, _ := s.dial("gateway-1", identity.Bearer(s.token(bo)))
	await[wire.Welcome](t, conn)
	say(t, conn, `{"type":"resume"}`)
	last := messaging.Seq(0)
	for range 100 {
		last = await[wire.Message](t, conn).Seq
	}
	if last != 100 {
		t.Fatalf("a hundred messages, the last with number %d", last)
	}
	// Without an acknowledgement nothing more comes, only answers.
	say(t, conn, fmt.Sprintf(`{"type":"history","ref":"h","conversation":%q,"from":1,"to":1}`, direct))
	if page := await[wire.Page](t, conn); len(page.Messages) != 1 || page.Messages[0].Seq != 1 {
		t.Errorf("%+v", page)
	}
	_ = conn.Close()

	tablet := s.connect(bo, s.gateways)
	for n := range 20 {
		send(post(direct, fmt.Sprintf("back-%012d", n)))
	}
	want := away + 21
	testenv.Eventually(t, time.Minute, "all is shown", func() bool { return s.book.Count(bo, direct) == want && s.book.Count(ana, direct) == want })
	if v := s.book.Check(direct, s.history(direct), ana, bo); !v.OK() {
		t.Errorf("%+v", v)
	}
	testenv.Eventually(t, time.Minute, "the inbox is empty", func() bool { return s.inbox(bo) == 0 })
	if !tablet.Current() {
		t.Error("it isn't current")
	}
}

// A device that was away as long as an inbox lasts has something of each day waiting:
// it comes page by page, in order, and what is said meanwhile behind it.
func TestADeviceThatWasAwayFor30DaysCatchesUp(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(1)[0], s.person(1)[0]
	group := messaging.NewConversationID(messaging.Group)
	const days, perDay = 30, 100
	created := messaging.Message{Draft: messaging.Draft{Conversation: group, ID: "created-group-00", Sender: ana, Kind: messaging.Created, Users: []messaging.UserID{bo.User}, Title: "a month"}, Seq: 1}
	all := []messaging.Message{created}
	for n := range days * perDay {
		all = append(all, messaging.Message{Draft: messaging.Draft{Conversation: group, ID: messaging.MessageID(fmt.Sprintf("month-%012d", n)), Sender: ana, Kind: messaging.Posted, Body: messaging.Body{Shared: make([]byte, 500)}}, Seq: messaging.Seq(n + 2)})
	}
	// As if they had been sent: the month can't be waited for. The oldest is of a
	// minute later than 30 days ago.
	now := time.Now().UTC().Truncate(time.Millisecond)
	var items []messaging.Item
	for i := range all {
		all[i].At = now.Add(time.Minute - messaging.InboxFor + time.Duration(i)*(messaging.InboxFor-time.Hour)/time.Duration(len(all)))
		items = append(items, messaging.Item{Device: bo, Message: all[i]})
		s.book.Sent(group, all[i].ID, all[i].Seq)
	}
	var roster messaging.Roster
	roster.Apply(all[0])
	for _, err := range []error{s.db.Rosters().Create(t.Context(), roster), s.db.History().Put(t.Context(), all), s.db.Inbox().Put(t.Context(), items)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	phone := s.connect(ana, s.gateways)
	s.connect(bo, s.gateways)
	sent, err := phone.Send(t.Context(), post(group, "are-you-there-000"))
	if err != nil || sent.Seq != messaging.Seq(len(all)+1) {
		t.Fatalf("%+v, %v", sent, err)
	}
	s.book.Sent(group, sent.ID, sent.Seq)
	testenv.Eventually(t, time.Minute, "all is shown", func() bool { return s.book.Count(bo, group) == len(all)+1 })
	if v := s.book.Check(group, s.history(group), bo); !v.OK() {
		t.Errorf("%+v", v)
	}
	testenv.Eventually(t, time.Minute, "the inbox is empty", func() bool { return s.inbox(bo) == 0 })
}

// inbox is how much waits for a device.
func (s *site) inbox(a messaging.Address) int { return len(s.items(a)) }

func (s *site) items(a messaging.Address) (all []messaging.Message) {
	s.t.Helper()
	for cursor, first := "", true; first || cursor != ""; first = false {
		items, next, err := s.db.Inbox().Page(s.t.Context(), a, cursor, 1000)
		if err != nil {
			s.t.Fatal(err)
		}
		all, cursor = append(all, items...), next
	}
	return all
}

// Redis forgets where a device is: what is sent to it meanwhile isn't announced. Its
// gateway sees that at its next refresh, and has the device catch up.
func TestARouteThatIsLostCostsTimeAndNoMessage(t *testing.T) {
	t.Parallel() // it waits for a refresh
	s := newSiteWith(t, nil)
	ana, bo := s.person(1)[0], s.person(1)[0]
	direct := messaging.DirectID(ana.User, bo.User)
	phone, tablet := s.connect(ana, s.gateways), s.connect(bo, s.gateways)
	if _, err := phone.Send(t.Context(), wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo.User}}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "it is there", func() bool { return s.book.Count(bo, direct) == 1 })
	routes, err := s.store.Routes().Of(t.Context(), []messaging.Address{bo})
	if err != nil || len(routes) != 1 {
		t.Fatalf("%v, %v", routes, err)
	}
	if err := s.store.Routes().Remove(t.Context(), routes[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := phone.Send(t.Context(), post(direct, "while-it-is-lost")); err != nil {
		t.Fatal(err)
	}
	took := testenv.Eventually(t, session.RouteFor, "it is there all the same", func() bool { return s.book.Count(bo, direct) == 2 })
	t.Logf("a message came %s late", took)
	if tablet.Ends() > 0 {
		t.Error("the device had to connect anew")
	}
}

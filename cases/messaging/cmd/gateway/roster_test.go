package main

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	adapter "designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/device"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// large makes a group of so many and waits until its roster is stored.
func (s *site) large(by *device.Device, members int) (messaging.ConversationID, []messaging.UserID) {
	s.t.Helper()
	c, users := messaging.NewConversationID(messaging.Group), crowd(members-1)
	s.gather(by, c, users)
	testenv.Eventually(s.t, time.Minute, "the roster is stored", func() bool {
		r, err := s.db.Rosters().Roster(s.t.Context(), c)
		return err == nil && len(r.Members) == members
	})
	return c, users
}

func usersOf(members []wire.RosterMember) (users []messaging.UserID) {
	for _, m := range members {
		users = append(users, m.User)
	}
	slices.Sort(users)
	return users
}

// Each page is asked for by the last person of the one before.
func TestTheRosterOfALargeGroupComesInPages(t *testing.T) {
	s := newSite(t)
	ana, eve := s.person(1)[0], s.person(1)[0]
	c, users := s.large(s.connect(ana, s.gateways), 2*wire.MaxRoster+500)
	conn, _ := s.dial("gateway-1", identity.Bearer(s.token(ana)))
	var sizes []int
	var all []wire.RosterMember
	for after, more := messaging.UserID(""), true; more && len(sizes) < 9; {
		say(t, conn, string(wire.Encode(wire.Members{Ref: "who", Conversation: c, After: after})))
		page := await[wire.Roster](t, conn)
		if page.Title != "a crowd" || len(page.Receipts) > 0 {
			t.Errorf("a page of %q has %d receipts", page.Title, len(page.Receipts))
		}
		sizes = append(sizes, len(page.Members))
		all = append(all, page.Members...)
		after, more = page.Members[len(page.Members)-1].User, page.More
	}
	if want := []int{wire.MaxRoster, wire.MaxRoster, 500}; !slices.Equal(sizes, want) {
		t.Errorf("pages of %v, want %v", sizes, want)
	}
	want := append(slices.Clone(users), ana.User)
	if slices.Sort(want); !slices.Equal(usersOf(all), want) {
		t.Errorf("the pages have %d people, want each of %d once", len(all), len(want))
	}
	say(t, conn, string(wire.Encode(wire.Members{Ref: "who", Conversation: c, After: "page 2"})))
	if got := await[wire.Error](t, conn); got.Kind != "invalid" || got.Ref != "who" || got.Again {
		t.Errorf("a place that is none: %+v", got)
	}
	stranger, _ := s.dial("gateway-2", identity.Bearer(s.token(eve)))
	say(t, stranger, string(wire.Encode(wire.Members{Ref: "who", Conversation: c, After: users[0]})))
	if got := await[wire.Error](t, stranger); got.Kind != "not-member" {
		t.Errorf("a page for who isn't in it: %+v", got)
	}
}

// A cut connection ends with the first page of a roster that comes on it behind others,
// which its device doesn't get to see.
type cut struct {
	device.Conn
	pages int // that may pass
}

func (c *cut) Read(ctx context.Context) ([]byte, error) {
	text, err := c.Conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	if frame, err := wire.Down(text); err == nil {
		if _, ok := frame.(*wire.Roster); ok {
			if c.pages--; c.pages < 0 {
				c.Close()
				return nil, io.ErrUnexpectedEOF
			}
		}
	}
	return text, nil
}

// The first connection loses the first page, each other one lets one pass and loses the
// next: of a roster in three pages that is three connections to both gateways in turn.
func TestARosterIsWholeThoughConnectionsEndBetweenItsPages(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(1)[0], s.person(1)[0]
	c, users := s.large(s.connect(ana, s.gateways), 2*wire.MaxRoster+500)
	if err := s.db.Rosters().Change(t.Context(), c, []messaging.Membership{{User: bo.User, Role: messaging.Member, Since: 4}}, 4); err != nil {
		t.Fatal(err)
	}
	dials, whole := 0, make(chan *wire.Roster, 9)
	d := device.New(device.Config{Address: bo, Token: s.token(bo), Gateways: s.gateways, Shown: func(messaging.Message) error { return nil },
		Dial: func(ctx context.Context, gateway string, protocols []string) (device.Conn, error) {
			conn, err := adapter.Dial(ctx, gateway, protocols)
			if err != nil {
				return nil, err
			}
			dials++
			return &cut{conn, min(dials-1, 1)}, nil
		},
		Heard: func(frame any) {
			if f, ok := frame.(*wire.Roster); ok {
				whole <- f
			}
		}})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	defer func() { cancel(); running.Wait() }()
	d.Members(c)
	select {
	case f := <-whole:
		want := append(slices.Clone(users), ana.User, bo.User)
		if slices.Sort(want); f.Conversation != c || f.More || !slices.Equal(usersOf(f.Members), want) {
			t.Errorf("%d people, want each of %d once", len(f.Members), len(want))
		}
	case <-time.After(time.Minute):
		t.Fatal("it doesn't come")
	}
	if ends := d.Ends(); ends != 3 {
		t.Errorf("%d connections have ended on the way, want 3", ends)
	}
}

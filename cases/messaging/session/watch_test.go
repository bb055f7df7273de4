package session

import (
	"context"
	"errors"
	"slices"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
	"designkits/cases/messaging/wire"
)

// showing are settings of people who all show themselves to the same, and a presence of
// which nothing is known.
type showing struct {
	presence.Store
	to   presence.Privacy
	read func() // after they were read
	away bool
}

func (s *showing) Show(_ context.Context, _ messaging.UserID, to presence.Privacy) error {
	s.to = to
	return nil
}

func (s *showing) Shown(_ context.Context, users []messaging.UserID) (map[messaging.UserID]presence.Privacy, error) {
	shown := map[messaging.UserID]presence.Privacy{}
	for _, u := range users {
		shown[u] = s.to
	}
	if read := s.read; read != nil {
		s.read = nil
		read()
	}
	return shown, nil
}

func (s *showing) Look(context.Context, []messaging.UserID) (map[messaging.UserID]map[messaging.DeviceID]presence.Sighting, error) {
	if s.away {
		return nil, errors.New("away")
	}
	return nil, nil
}

// Somebody hides between the look at her settings and the watch that it is for, and
// when who watched before is found she can't be looked up.
func TestWhoHidesIsWatchedByNobodyInTheEnd(t *testing.T) {
	settings := &showing{to: presence.Everybody}
	first, conn := alone(t, Config{Settings: settings, Presence: settings, Members: nowhere{}})
	h, u := first.hub, messaging.NewUserID()
	second := h.New(messaging.Address{User: messaging.NewUserID(), Device: 1}, "")
	second.conn = newRecorder(t)
	watch := &wire.Watch{Users: []messaging.UserID{u}}
	heed := func() { h.heed(t.Context()); h.work.Wait() }
	for _, s := range []*Session{first, second} {
		s.live = true
		h.join(s)
	}
	first.do(watch)
	settings.read = func() { settings.to = presence.Nobody; settings.away = true; heed(); settings.away = false }
	second.do(watch)
	if watched := h.watches.board.Watched(); !slices.Equal(watched, watch.Users) {
		t.Fatalf("watched are %v, want %v", watched, watch.Users)
	}
	for range 2 { // who has changed, and then nobody
		heed()
		h.tellWatchers(t.Context())
		if watched := h.watches.board.Watched(); len(watched) > 0 {
			t.Errorf("she has hidden, and is watched")
		}
	}
	if told := conn.all(); len(told) != 1 {
		t.Errorf("who watched is told %+v, want that she isn't there", told)
	}
}

// Who was removed from the conversation that was open sees of its people only who is
// shown to a stranger.
func TestWhoIsNoMemberAnyMoreSeesWhoIsShownToStrangers(t *testing.T) {
	settings, members := &showing{to: presence.Contacts}, &removing{}
	s, _ := alone(t, Config{Settings: settings, Presence: settings, Members: members})
	s.hub.known.here.lasts = 0
	s.hub.join(s)
	s.do(&wire.Watch{Conversation: messaging.NewConversationID(messaging.Group), Users: []messaging.UserID{messaging.NewUserID()}})
	if n := len(s.hub.watches.board.Watched()); n != 1 {
		t.Fatalf("%d are watched, want 1", n)
	}
	members.gone, settings.to = true, presence.Nobody
	s.hub.heed(t.Context())
	s.hub.work.Wait()
	s.hub.tellWatchers(t.Context())
	if n := len(s.hub.watches.board.Watched()); n != 0 {
		t.Errorf("%d are watched, want none", n)
	}
}

// removing are members until they are gone.
type removing struct{ gone bool }

func (r *removing) Membership(context.Context, messaging.ConversationID, messaging.UserID) (messaging.Membership, error) {
	if r.gone {
		return messaging.Membership{}, messaging.ErrNotMember
	}
	return messaging.Membership{Since: 1}, nil
}

package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// A shaky inbox has a message on its first page, and is away at some of the times it is asked.
type shaky struct {
	messaging.Inbox
	times int
	away  map[int]bool
}

func (i *shaky) Page(_ context.Context, a messaging.Address, cursor string, _ int) ([]messaging.Message, string, error) {
	if i.times++; i.away[i.times] {
		return nil, "", errors.New("away")
	}
	m := messaging.Message{Draft: messaging.Draft{Conversation: messaging.DirectID(a.User, a.User), Sender: a, Kind: messaging.Posted}, Seq: 1}
	if cursor == "" {
		return []messaging.Message{m}, "more", nil
	}
	return nil, "", nil
}

// nowhere is where nobody has a group, and everybody may be.
type nowhere struct{ messaging.Rosters }

func (nowhere) Of(context.Context, messaging.UserID, string, int) ([]messaging.Conversation, string, error) {
	return nil, "", nil
}

func (nowhere) Membership(context.Context, messaging.ConversationID, messaging.UserID) (messaging.Membership, error) {
	return messaging.Membership{Since: 1}, nil
}

// A page that can't be read has the device ask again, whatever it was read for, and
// what was announced meanwhile is kept.
func TestADeviceAsksAgainWhenAPageCannotBeRead(t *testing.T) {
	s, conn := alone(t, Config{Inbox: &shaky{away: map[int]bool{2: true, 5: true}}, Rosters: nowhere{}, Members: nowhere{}})
	ack := &wire.Ack{Conversation: messaging.DirectID(s.device.User, s.device.User), Seq: 1}
	says := func(what string, want ...string) {
		t.Helper()
		s.hub.work.Wait()
		var got []string
		for _, f := range conn.all() {
			if refused, ok := f.(*wire.Error); ok {
				got = append(got, "refused "+refused.Ref)
			} else {
				got = append(got, strings.TrimPrefix(fmt.Sprintf("%T", f), "*wire."))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	s.do(&wire.Resume{Ref: "r"})
	s.deliver(wire.Encode(wire.Notice{Conversation: ack.Conversation, Seq: 2}))
	s.do(ack)
	says("after the first page", "Message", "refused r")
	s.do(&wire.Resume{Ref: "r"})
	s.do(ack)
	says("it has asked again", "Message", "Notice", "Current")
	s.again()
	says("the gateway itself has it catch up", "refused ", "Lagging")
	s.deliver(wire.Encode(wire.Notice{Conversation: ack.Conversation, Seq: 3}))
	s.do(&wire.Resume{Ref: "r"})
	s.do(ack)
	says("it has asked then", "Message", "Notice", "Current")
	s.todo = make([]todo, maxTodo)
	s.again()
	s.todo = nil
	says("it has sent as much as may wait", "refused ", "Lagging")
}

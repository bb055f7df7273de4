package session

import (
	"context"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// members answers who is in a conversation, page by page: whoever came later has not
// seen the messages that say so. How far they are is told where one page has all: what
// a thousand have read says nothing of the others.
func (s *Session) members(ctx context.Context, f *wire.Members) error {
	if err := s.hub.known.member(ctx, f.Conversation, s.device.User); err != nil {
		return err
	}
	page, err := s.hub.cfg.Rosters.Page(ctx, f.Conversation, f.After, wire.MaxRoster)
	if err != nil {
		return err
	}
	var receipts []messaging.Receipt
	if f.After == "" && !page.More {
		if receipts, err = s.hub.cfg.Receipts.Of(ctx, f.Conversation, wire.MaxRoster); err != nil {
			return err
		}
	}
	members := make([]wire.RosterMember, len(page.Members))
	for i, m := range page.Members {
		members[i] = wire.RosterMember{User: m.User, Role: m.Role, Since: m.Since, Until: m.Until}
	}
	s.conn.Send(wire.Encode(wire.Roster{
		Ref: f.Ref, Conversation: f.Conversation, Title: page.Title, Members: members, More: page.More, Receipts: receipts,
	}))
	return nil
}

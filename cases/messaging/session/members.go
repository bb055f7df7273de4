package session

import (
	"cmp"
	"context"
	"slices"

	"designkits/cases/messaging/wire"
)

// members answers who is in a conversation: whoever came later has not seen the
// messages that say so. Of a large one it tells of those who came first, the admin
// among them.
func (s *Session) members(ctx context.Context, f *wire.Members) error {
	if err := s.hub.known.member(ctx, f.Conversation, s.device.User); err != nil {
		return err
	}
	roster, err := s.hub.cfg.Rosters.Roster(ctx, f.Conversation)
	if err != nil {
		return err
	}
	receipts, err := s.hub.cfg.Receipts.Of(ctx, f.Conversation, wire.MaxRoster)
	if err != nil {
		return err
	}
	all := make([]wire.RosterMember, 0, len(roster.Members))
	for _, m := range roster.Members {
		all = append(all, wire.RosterMember{User: m.User, Role: m.Role, Since: m.Since, Until: m.Until})
	}
	slices.SortFunc(all, func(a, b wire.RosterMember) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Since, b.Since), cmp.Compare(a.User, b.User))
	})
	more := len(all) > wire.MaxRoster
	s.conn.Send(wire.Encode(wire.Roster{
		Ref: f.Ref, Conversation: f.Conversation, Title: roster.Title, Members: all[:min(len(all), wire.MaxRoster)], More: more, Receipts: receipts,
	}))
	return nil
}

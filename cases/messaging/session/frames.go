package session

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// do follows one frame.
func (s *Session) do(frame any) {
	within := doWithin
	if _, ok := frame.(*wire.Send); ok {
		within = sendWithin
	}
	ctx, cancel := context.WithTimeout(s.hub.ctx, within)
	defer cancel()
	if !s.enter(ctx) {
		return
	}
	var err error
	switch f := frame.(type) {
	case *wire.Send:
		err = s.send(ctx, f)
	case *wire.Resume:
		s.resume(ctx, f)
	case *wire.Ack:
		err = s.acknowledge(ctx, f)
	case *wire.History:
		err = s.history(ctx, f)
	case *wire.Members:
		err = s.members(ctx, f)
	case *wire.Typing:
		err = s.typing(ctx, f)
	case *wire.Watch:
		err = s.watch(ctx, f)
	case watchAnew:
		s.watchAnew(ctx)
	default:
		err = &messaging.Invalid{Field: "type", Reason: "this gateway doesn't follow it"}
	}
	if err != nil {
		s.refuse(refOf(frame), err)
	}
}

// send has a message committed. Who sends it is the connection's device, whatever
// the frame says: it has no such field.
func (s *Session) send(ctx context.Context, f *wire.Send) error {
	d := messaging.Draft{
		Conversation: f.Conversation, ID: f.ID, Sender: s.device, Kind: f.Kind,
		Target: f.Target, Users: f.Users, Title: f.Title, Body: f.Body,
	}
	if err := d.Check(); err != nil {
		return err
	}
	if err := s.room(ctx, d); err != nil {
		return err
	}
	began := time.Now()
	m, err := s.hub.cfg.Chat.Send(ctx, d)
	if err != nil {
		return err
	}
	if s.hub.cfg.Took != nil {
		s.hub.cfg.Took(time.Since(began))
	}
	s.hub.Counts.Sent.Add(1)
	s.hub.known.learn(m.Conversation, m.Seq)
	s.conn.Send(wire.Encode(wire.Sent{Ref: f.Ref, Conversation: m.Conversation, ID: m.ID, Seq: m.Seq, At: m.At}))
	return nil
}

// room is nil unless the draft begins too many conversations, or brings somebody into
// too many.
func (s *Session) room(ctx context.Context, d messaging.Draft) error {
	users := d.Users
	switch d.Kind {
	case messaging.Created:
		n, err := s.hub.cfg.Limits.Count(ctx, time.Hour, "create:"+string(s.device.User))
		if err == nil && n[0] > s.hub.cfg.Creates { // where it can't be counted it is let through
			return &messaging.TooMany{Limit: fmt.Sprintf("you have begun %d conversations within an hour: wait before the next", s.hub.cfg.Creates)}
		}
		users = append([]messaging.UserID{d.Sender.User}, users...)
	case messaging.Added:
	default:
		return nil
	}
	counts, err := s.hub.cfg.Rosters.Count(ctx, users)
	if err != nil {
		return err
	}
	for i, n := range counts {
		if n < s.hub.cfg.Conversations {
			continue
		}
		// Who is in it already is there by the same message, sent before.
		m, err := s.hub.cfg.Members.Membership(ctx, d.Conversation, users[i])
		if err != nil && err != messaging.ErrNotMember {
			return err
		}
		if err != nil || !m.Here() {
			return &messaging.TooMany{Limit: fmt.Sprintf("%s is in %d conversations, and may be in no more: leave some", users[i], n)}
		}
	}
	return nil
}

// pageBytes is about how many bytes of bodies a Page has at most.
const pageBytes = 128 << 10

// history answers with what this person may read of what is asked for.
func (s *Session) history(ctx context.Context, f *wire.History) error {
	switch {
	case !f.Conversation.Valid():
		return &messaging.Invalid{Field: "conversation", Reason: "this names none"}
	case f.From < 1 || f.To < f.From:
		return &messaging.Invalid{Field: "from", Reason: "give the first and the last number, from 1 on"}
	}
	// Asked for anew each time: who was removed reads nothing more from there on.
	m, err := s.hub.cfg.Members.Membership(ctx, f.Conversation, s.device.User)
	if err != nil {
		return err
	}
	from, to := max(f.From, m.Since), f.To
	if !m.Here() {
		to = min(to, m.Until)
	}
	page := wire.Page{Ref: f.Ref, Conversation: f.Conversation, Begins: m.Since, Ends: m.Until, Messages: []messaging.Message{}}
	if from <= to {
		found, err := s.hub.cfg.History.Range(ctx, f.Conversation, from, to, wire.MaxPage)
		if err != nil {
			return err
		}
		bytes := 0
		for _, each := range found {
			each.Body = each.Body.For(s.device)
			if bytes += each.Body.Size(); bytes > pageBytes && len(page.Messages) > 0 {
				break
			}
			page.Messages = append(page.Messages, each)
		}
	}
	s.conn.Send(wire.Encode(page))
	return nil
}

// typing tells the other members.
func (s *Session) typing(ctx context.Context, f *wire.Typing) error {
	if err := s.hub.known.member(ctx, f.Conversation, s.device.User); err != nil {
		return err
	}
	others, err := s.hub.known.others(ctx, f.Conversation, s.device)
	if err != nil {
		return err
	}
	s.hub.tell(ctx, Telling{others, wire.Encode(wire.TypingBy{Conversation: f.Conversation, By: s.device.User, On: f.On})})
	return nil
}

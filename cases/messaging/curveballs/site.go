package curveballs

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/crowd"
	"designkits/cases/messaging/wire"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// A site is the case in a trial's variant, with a crowd.
type site struct {
	*crowd.Site
	trial *curveball.Trial
}

// start starts gateways and chat processes with the trial's options as settings, and
// ends them with the trial. What the options leave open, o says.
func start(ctx context.Context, t *curveball.Trial, o rig.Options) (*site, error) {
	env := map[string]string{"SESSION_TIMEOUT": "2s", "CASSANDRA_TIMEOUT": "10s"}
	maps.Copy(env, o.Env)
	maps.Copy(env, t.Options())
	o.Env = env
	s, err := crowd.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	t.Cleanup(s.Close)
	return &site{s, t}, nil
}

// one makes an account with one device and connects it.
func (s *site) one(ctx context.Context) (messaging.Address, *device.Device, error) {
	people, err := s.People(ctx, 1, 1)
	if err != nil {
		return messaging.Address{}, nil, err
	}
	a := people[0][0]
	devices, err := s.Connect(ctx, s.Gateways, nil, a)
	return a, devices[a], err
}

// say sends a message and writes its place down.
func (s *site) say(ctx context.Context, by *device.Device, m wire.Send) (messaging.Seq, error) {
	sent, err := by.Send(ctx, m)
	if err != nil {
		return 0, fmt.Errorf("send %s to %s: %w", m.ID, m.Conversation, err)
	}
	s.Book.Sent(m.Conversation, m.ID, sent.Seq)
	return sent.Seq, nil
}

// begin begins a conversation with others.
func (s *site) begin(ctx context.Context, by *device.Device, c messaging.ConversationID, title string, others ...messaging.UserID) error {
	m := wire.Send{Conversation: c, ID: messaging.MessageID(rand.Text()), Kind: messaging.Created, Users: others, Title: title}
	_, err := s.say(ctx, by, m)
	return err
}

// text is a message of a few words, under a new id.
func text(c messaging.ConversationID, words string) wire.Send {
	return wire.Send{Conversation: c, ID: messaging.MessageID(rand.Text()), Kind: messaging.Posted, Body: messaging.Body{Shared: []byte(words)}}
}

// shows waits until a device shows so many messages of a conversation, or for as long
// as it may take; how many it shows then is for the caller to judge.
func (s *site) shows(ctx context.Context, a messaging.Address, c messaging.ConversationID, n int, within time.Duration) error {
	_ = crowd.Await(ctx, within, "messages shown", n, func() int { return s.Book.Count(a, c) })
	return ctx.Err()
}

// check compares a conversation's history with what was sent and shown.
func (s *site) check(ctx context.Context, c messaging.ConversationID, devices ...messaging.Address) (audit.Verdict, error) {
	history, err := audit.Read(ctx, s.DB.History(), c)
	if err != nil {
		return audit.Verdict{}, err
	}
	v := s.Book.Check(c, history, devices...)
	if !v.OK() {
		s.trial.Note("%s: %s", c, v)
	}
	return v, nil
}

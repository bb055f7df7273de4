package curveballs

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// LongAway is a device that was away for longer than its inbox keeps anything.
var LongAway = curveball.Experiment{
	Name:       "long-away",
	Question:   "A tablet was in a drawer for 40 days, in which a group has said 100 messages a day. What is missing on its screen, and what does its return do to the gateway?",
	Hypothesis: "Nothing is missing: the newest 30 days wait in its inbox, and what is older it asks for, since it sees that numbers are missing. All of it comes in pages.",
	Answer: `An inbox is not the truth, the history is. An inbox makes the usual return cheap, one place to read; after 30 days
its items are gone ([InboxFor](stores.go)). A device knows which number it has of each conversation, and the first item that it gets tells
it that others are missing before it: it asks for those, a hundred at a time ([show](device/screen.go)). Nor can the return of a device swamp anybody:
a page of the inbox is sent when the one before it is acknowledged ([next](session/resume.go)), so a gateway holds a
hundred messages for it at most, and 64 that are announced meanwhile. A client that begins where its inbox begins shows 30 days and never learns that there was more.`,
	Expect: curveball.Bands{
		curveball.AtMost("messages missing on the screen, of 4,001", "", 0),
		curveball.AtMost("messages twice or out of order", "", 0),
		curveball.AtLeast("messages on the screen", "", 4001),
	},
	Control: curveball.With("a client that begins where its inbox begins", "begins", "inbox"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		people, err := s.People(ctx, 2, 1)
		if err != nil {
			return err
		}
		ana, bo := people[0][0], people[1][0]
		c := messaging.NewConversationID(messaging.Group)
		expired, err := s.month(ctx, c, ana, bo)
		if err != nil {
			return err
		}
		t.Phase("the tablet is back; %d of 4,001 messages are in no inbox any more", expired)
		cfg := device.Config{Address: bo, Token: s.Token(bo), Gateways: s.Gateways, Shown: func(m messaging.Message) error { s.Book.Shown(bo, m); return nil }}
		if t.Option("begins", "numbers") == "inbox" {
			cfg.Has = map[messaging.ConversationID]messaging.Seq{c: expired}
		}
		running, end := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan error, 1)
		go func() { ended <- device.New(cfg).Run(running) }() // ends with the trial
		t.Cleanup(func(context.Context) error { end(); <-ended; return nil })
		began := time.Now()
		want := 4001
		if cfg.Has != nil {
			want -= int(expired)
		}
		if err := s.shows(ctx, bo, c, want, 90*time.Second); err != nil {
			return err
		}
		shown := s.Book.Count(bo, c)
		t.Note("%d messages are on the screen after %.1f s", shown, time.Since(began).Seconds())
		v, err := s.check(ctx, c, bo)
		t.Figure("messages missing on the screen, of 4,001", float64(v.Lost))
		t.Figure("messages twice or out of order", float64(v.Twice+v.OutOfOrder))
		t.Figure("messages on the screen", float64(shown))
		return err
	},
}

// month stores 40 days of a group as if they had been said, since they can't be waited
// for: all of it in the history, and what is younger than 30 days in the inbox of who
// is away. It returns the last number that is in no inbox.
func (s *site) month(ctx context.Context, c messaging.ConversationID, by, away messaging.Address) (expired messaging.Seq, err error) {
	const days, perDay = 40, 100
	all := []messaging.Message{{Draft: messaging.Draft{
		Conversation: c, ID: messaging.MessageID(rand.Text()), Sender: by, Kind: messaging.Created, Users: []messaging.UserID{away.User}, Title: "forty days",
	}}}
	for n := range days * perDay {
		all = append(all, messaging.Message{Draft: messaging.Draft{
			Conversation: c, ID: messaging.MessageID(rand.Text()), Sender: by, Kind: messaging.Posted, Body: messaging.Body{Shared: fmt.Appendf(nil, "number %d", n)},
		}})
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	var items []messaging.Item
	for i := range all {
		m := &all[i]
		m.Seq, m.At = messaging.Seq(i+1), now.Add(-days*24*time.Hour+time.Duration(i)*24*time.Hour/perDay)
		s.Book.Sent(c, m.ID, m.Seq)
		// An hour more than the inbox keeps: nothing may expire while this runs.
		if now.Sub(m.At) > messaging.InboxFor-time.Hour {
			expired = m.Seq
			continue
		}
		items = append(items, messaging.Item{Device: away, Message: *m})
	}
	var roster messaging.Roster
	roster.Apply(all[0])
	if err := s.DB.Rosters().Create(ctx, roster); err != nil {
		return 0, err
	}
	if err := s.DB.History().Put(ctx, all); err != nil {
		return 0, err
	}
	return expired, s.DB.Inbox().Put(ctx, items)
}

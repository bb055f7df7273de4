// Package fanout brings what was said to those it was said to.
//
// A message of a small conversation is pushed to the devices that are connected,
// and written to the inbox of each that isn't or doesn't acknowledge it soon (fan-out
// on write): a device that comes back reads one place. A message of a large one is
// written to the history alone, and devices are told that there is something to read
// (fan-out on read): a message to 10,000 people is one row and not one for each
// device that is away, and whoever looks reads it from there. What is large
// Config.WriteUpTo says: it bounds how long what comes behind a message waits for
// its rows.
package fanout

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
)

// An Announcement is a message, or that there is one, on its way to devices.
type Announcement struct {
	Message messaging.Message
	To      []messaging.Address
	// Notice says that the devices are told of the message and ask for it, so that
	// its bodies are left out; else each gets what it can read of it.
	Notice bool
}

// Announcer reaches the devices that are connected.
type Announcer interface {
	// Find says where the devices are that announcements go to.
	Find(ctx context.Context, announcements []Announcement) Places
	// Announce sends announcements on their way there, those of one caller and
	// conversation in this order. A device that isn't connected, or whose gateway
	// dies, misses it.
	Announce(ctx context.Context, announcements []Announcement, at Places) error
}

// Config is what a Fanout needs.
type Config struct {
	History   messaging.History
	Inbox     messaging.Inbox
	Receipts  messaging.Receipts // of Settle
	Rosters   messaging.Rosters
	Devices   func(ctx context.Context, users []messaging.UserID) ([]messaging.Device, error)
	Announcer Announcer
	// WriteUpTo is the number of members up to which inboxes are written.
	WriteUpTo int
	// Now is the clock; the default is time.Now.
	Now func() time.Time
}

// A Fanout applies the messages of one partition. One goroutine at a time may
// call Apply and Push, another one Settle, and any Acknowledged.
type Fanout struct {
	cfg     Config
	rosters map[messaging.ConversationID]*messaging.Roster
	open    open
}

// New returns the fan-out of a partition.
func New(cfg Config) *Fanout {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Fanout{cfg: cfg, rosters: map[messaging.ConversationID]*messaging.Roster{}, open: open{items: map[messaging.ConversationID][]*item{}}}
}

// remembered is how many rosters are kept at most.
const remembered = 20_000

// Apply stores messages, in order, for all devices, and then announces them: a
// device that hears of one finds it. It may be repeated, and leaves nothing to Settle.
func (f *Fanout) Apply(ctx context.Context, messages []messaging.Message) error {
	announcements, items, err := f.prepare(ctx, messages)
	if err == nil {
		err = f.store(ctx, messages, items)
	}
	if err != nil {
		return err
	}
	return f.announce(ctx, announcements, f.cfg.Announcer.Find(ctx, announcements))
}

// Push is Apply, but for devices that are connected: they get no row in their inbox
// unless Settle writes it.
func (f *Fanout) Push(ctx context.Context, messages []messaging.Message) error {
	room, err := f.open.room()
	if err != nil {
		return err
	}
	announcements, items, err := f.prepare(ctx, messages)
	if err != nil {
		return err
	}
	at := f.cfg.Announcer.Find(ctx, announcements)
	var left []messaging.Item
	if room {
		items = slices.DeleteFunc(items, func(i messaging.Item) bool {
			held := at.Holds(i.Device)
			if held {
				left = append(left, i)
			}
			return held
		})
	}
	if err := f.store(ctx, messages, items); err != nil {
		return err
	}
	// Who has connected before that was stored, and since that look, has read neither.
	if len(items) > 0 || slices.ContainsFunc(announcements, func(a Announcement) bool { return a.Notice }) {
		at = f.cfg.Announcer.Find(ctx, announcements)
	}
	if err := f.announce(ctx, announcements, at); err != nil {
		return err
	}
	f.open.add(messages, left, f.cfg.Now())
	return nil
}

// prepare says what is to be announced, and what the inboxes of all devices hold then.
func (f *Fanout) prepare(ctx context.Context, messages []messaging.Message) (announcements []Announcement, items []messaging.Item, err error) {
	for _, m := range messages {
		recipients, err := f.take(ctx, m, messages)
		if err != nil {
			return nil, nil, fmt.Errorf("message %d of %s: %w", m.Seq, m.Conversation, err)
		}
		a := Announcement{Message: m, Notice: len(recipients) > f.cfg.WriteUpTo}
		if a.Notice {
			a.Message.Body = messaging.Body{}
		}
		devices, err := f.cfg.Devices(ctx, recipients)
		if err != nil {
			return nil, nil, fmt.Errorf("devices of %s: %w", m.Conversation, err)
		}
		for _, d := range devices {
			if d.Address == m.Sender {
				continue // it has it
			}
			a.To = append(a.To, d.Address)
			if !a.Notice {
				own := m
				own.Body = m.Body.For(d.Address)
				items = append(items, messaging.Item{Device: d.Address, Message: own})
			}
		}
		announcements = append(announcements, a)
	}
	return announcements, items, nil
}

func (f *Fanout) announce(ctx context.Context, announcements []Announcement, at Places) error {
	if err := f.cfg.Announcer.Announce(ctx, announcements, at); err != nil {
		return fmt.Errorf("announce messages: %w", err)
	}
	return nil
}

// store writes the history and the inboxes at the same time: one wait for the disk
// in place of two. Neither needs the other, since only what both have is announced.
func (f *Fanout) store(ctx context.Context, messages []messaging.Message, items []messaging.Item) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		if err := f.cfg.History.Put(ctx, messages); err != nil {
			return fmt.Errorf("store messages: %w", err)
		}
		return nil
	})
	both.Go(func() error {
		if err := f.cfg.Inbox.Put(ctx, items); err != nil {
			return fmt.Errorf("write inboxes: %w", err)
		}
		return nil
	})
	return both.Wait()
}

// take stores what the message changes besides the history, and returns to whom
// it goes: everybody who may read it. Of a message that is taken again the roster
// may know what came after it, so that who is there now says nothing.
func (f *Fanout) take(ctx context.Context, m messaging.Message, together []messaging.Message) ([]messaging.UserID, error) {
	r, err := f.roster(ctx, m)
	if err != nil {
		return nil, err
	}
	r.Apply(m)
	switch m.Kind {
	case messaging.Created:
		err = f.cfg.Rosters.Create(ctx, *r)
	case messaging.Added, messaging.Removed, messaging.Left:
		users := m.Users
		if m.Kind == messaging.Left {
			users = []messaging.UserID{m.Sender.User}
		}
		changed := make([]messaging.Membership, 0, len(users))
		for _, u := range users {
			if membership, ok := r.Members[u]; ok {
				changed = append(changed, membership)
			}
		}
		err = f.cfg.Rosters.Change(ctx, m.Conversation, changed, m.Seq)
	case messaging.Deleted:
		err = f.forget(ctx, r, m, together)
	}
	return r.Readers(m.Seq), err
}

// forget takes the bodies of a deleted message away wherever they wait: also from
// those who have gone since, or have gone and come back.
func (f *Fanout) forget(ctx context.Context, r *messaging.Roster, m messaging.Message, together []messaging.Message) error {
	if err := f.cfg.History.Forget(ctx, m.Conversation, m.Target); err != nil {
		return err
	}
	if len(r.Readers(m.Target)) > f.cfg.WriteUpTo {
		return nil // it went to no inbox
	}
	target, err := f.target(ctx, m, together)
	if err != nil || target == nil {
		return err
	}
	devices, err := f.cfg.Devices(ctx, slices.Collect(maps.Keys(r.Members)))
	if err != nil {
		return err
	}
	addresses := make([]messaging.Address, len(devices))
	for i, d := range devices {
		addresses[i] = d.Address
	}
	return f.cfg.Inbox.Forget(ctx, addresses, *target)
}

// target is the message that is deleted, nil if there is none. One that is applied
// together with its deletion isn't in the history yet.
func (f *Fanout) target(ctx context.Context, m messaging.Message, together []messaging.Message) (*messaging.Message, error) {
	for i, each := range together {
		if each.Conversation == m.Conversation && each.Seq == m.Target {
			return &together[i], nil
		}
	}
	found, err := f.cfg.History.Range(ctx, m.Conversation, m.Target, m.Target, 1)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// roster returns who is in the message's conversation, as of the message before.
func (f *Fanout) roster(ctx context.Context, m messaging.Message) (*messaging.Roster, error) {
	if known, ok := f.rosters[m.Conversation]; ok {
		return known, nil
	}
	r := &messaging.Roster{}
	if m.Kind != messaging.Created {
		var err error
		if r, err = f.cfg.Rosters.Roster(ctx, m.Conversation); err != nil {
			return nil, err
		}
	}
	if len(f.rosters) >= remembered {
		clear(f.rosters) // they are read again as they are needed
	}
	f.rosters[m.Conversation] = r
	return r, nil
}

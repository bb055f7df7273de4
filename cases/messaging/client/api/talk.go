package api

import (
	"context"
	"fmt"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
	"designkits/cases/messaging/device"
	"designkits/cases/messaging/presence"
	"designkits/cases/messaging/wire"
)

// Begin returns the conversation with somebody, by name, and begins it if need be.
func (c *Client) Begin(ctx context.Context, name string) (messaging.ConversationID, error) {
	u, err := c.Find(ctx, name)
	if err != nil {
		return "", err
	}
	me := c.Me().User
	if u == me {
		return "", &messaging.Invalid{Field: "name", Reason: "that is you"}
	}
	id := messaging.DirectID(me, u)
	c.mu.Lock()
	t := c.talk(id)
	begun := t.last > 0
	for _, o := range c.outbox {
		begun = begun || o.Message.Conversation == id
	}
	c.mu.Unlock()
	if begun {
		return id, nil
	}
	return id, c.enqueue(wire.Send{Conversation: id, ID: newMessageID(), Kind: messaging.Created, Users: []messaging.UserID{u}}, nil)
}

// BeginGroup begins a group, or a channel in which only this person writes.
func (c *Client) BeginGroup(ctx context.Context, kind messaging.Kind, title string, names []string) (messaging.ConversationID, error) {
	users, err := c.findAll(ctx, names)
	if err != nil {
		return "", err
	}
	id := messaging.NewConversationID(kind)
	return id, c.enqueue(wire.Send{Conversation: id, ID: newMessageID(), Kind: messaging.Created, Users: users, Title: title}, nil)
}

func (c *Client) findAll(ctx context.Context, names []string) (users []messaging.UserID, err error) {
	for _, name := range names {
		u, err := c.Find(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		users = append(users, u)
	}
	return users, nil
}

// Add makes people members of a group: they read what comes from there on.
func (c *Client) Add(ctx context.Context, id messaging.ConversationID, names []string) error {
	users, err := c.findAll(ctx, names)
	if err != nil {
		return err
	}
	return c.enqueue(wire.Send{Conversation: id, ID: newMessageID(), Kind: messaging.Added, Users: users}, nil)
}

// Remove ends somebody's membership. What is written afterwards has another key.
func (c *Client) Remove(id messaging.ConversationID, u messaging.UserID) error {
	return c.enqueue(wire.Send{Conversation: id, ID: newMessageID(), Kind: messaging.Removed, Users: []messaging.UserID{u}}, nil)
}

// Leave ends one's own.
func (c *Client) Leave(id messaging.ConversationID) error {
	return c.enqueue(wire.Send{Conversation: id, ID: newMessageID(), Kind: messaging.Left}, nil)
}

// Say posts a text, which may answer a message.
func (c *Client) Say(id messaging.ConversationID, text string, reply messaging.MessageID, mentions []messaging.UserID) (messaging.MessageID, error) {
	return c.post(id, body.Body{Kind: body.Text, Text: text, Reply: reply, Mentions: mentions})
}

// Edit replaces one's own text.
func (c *Client) Edit(id messaging.ConversationID, target messaging.MessageID, text string, mentions []messaging.UserID) error {
	_, err := c.post(id, body.Body{Kind: body.Edit, Target: target, Text: text, Mentions: mentions})
	return err
}

// React sets this person's reaction to a message; "" takes it back.
func (c *Client) React(id messaging.ConversationID, target messaging.MessageID, emoji string) error {
	_, err := c.post(id, body.Body{Kind: body.Reaction, Target: target, Emoji: emoji})
	return err
}

// Delete deletes a message for everybody, with its edits.
func (c *Client) Delete(id messaging.ConversationID, target messaging.MessageID) error {
	c.mu.Lock()
	parts := body.Parts(c.fold(id), target)
	c.mu.Unlock()
	if len(parts) == 0 {
		return messaging.ErrNotFound
	}
	for _, s := range parts {
		if err := c.enqueue(wire.Send{Conversation: id, ID: newMessageID(), Kind: messaging.Deleted, Target: s}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Seen says that the person has seen a conversation as far as it is on this device.
func (c *Client) Seen(id messaging.ConversationID) error {
	var last messaging.Seq
	err := c.change(func() error {
		t := c.talk(id)
		last = t.last
		if last <= t.seen {
			return nil
		}
		t.seen = last
		return c.store.put(keySeen+string(id), last)
	})
	if link := c.linked(); link != nil && last > 0 {
		link.Read(id, last)
	}
	return err
}

// Typing tells the others that this person types, or no more.
func (c *Client) Typing(id messaging.ConversationID, on bool) {
	if link := c.linked(); link != nil {
		link.Type(id, on)
	}
}

// Look says which conversation is open: how far its members are is asked for, and
// their presence told from now on.
func (c *Client) Look(id messaging.ConversationID) {
	link := c.linked()
	if link == nil {
		return
	}
	c.mu.Lock()
	var users []messaging.UserID
	r, known := c.talk(id).roster, c.talk(id).last > 0
	if r != nil {
		for _, u := range r.Users() {
			if u != c.me.User && len(users) < presence.MaxWatched {
				users = append(users, u)
			}
		}
	}
	large := r != nil && len(r.Members) > wire.MaxRoster
	c.mu.Unlock()
	if !known {
		return
	}
	link.Watch(id, users)
	if large { // how far so many are nobody tells
		link.Knock(id)
		return
	}
	link.Members(id)
}

func (c *Client) linked() *device.Device {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

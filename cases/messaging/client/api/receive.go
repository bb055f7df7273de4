package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
	"designkits/cases/messaging/client/e2e"
	"designkits/cases/messaging/device"
	"designkits/cases/messaging/wire"
)

// keyHeld is of messages that can't be read until a key that has changed is accepted.
const keyHeld = "chat/held/" // + conversation + "/" + number

// held is one.
type held struct {
	Message messaging.Message `json:"message"`
	Changed e2e.KeyChanged    `json:"changed"`
}

// Why a message can't be read on this device.
const (
	whyDeleted = "deleted"
	whyHeld    = "the sender's key has changed: compare the safety number, then accept it"
)

// errBefore is of a message that isn't for this device.
var errBefore = errors.New("not encrypted for this device: its sender didn't know of it yet")

// shown keeps the next message of a conversation. When it returns, the message and
// the ratchet that it has turned are in the Store.
func (c *Client) shown(m messaging.Message) error {
	err := c.change(func() error {
		t := c.talk(m.Conversation)
		item := body.Item{Seq: m.Seq, ID: m.ID, Sender: m.Sender, At: m.At, Kind: m.Kind, Target: m.Target, Users: m.Users, Title: m.Title}
		switch m.Kind {
		case messaging.Posted:
			if err := c.read(m, &item); err != nil {
				return err
			}
		case messaging.Deleted:
			if err := c.forget(m, t); err != nil {
				return err
			}
		default:
			if err := c.gather(m, t); err != nil {
				return err
			}
		}
		if m.Sender == c.me.Device && m.Kind != messaging.Posted {
			if _, _, err := c.mine(m.ID); err != nil {
				return err
			}
		}
		if m.Sender.User == c.me.User && m.Seq > t.seen { // whoever answers has read
			t.seen = m.Seq
			if err := c.store.put(keySeen+string(m.Conversation), t.seen); err != nil {
				return err
			}
		}
		delete(t.typing, m.Sender.User)
		t.keep(item)
		return c.store.put(itemKey(m.Conversation, m.Seq), item)
	})
	if err != nil {
		return err
	}
	c.cfg.Changed(m.Conversation)
	return nil
}

// read decrypts a message. What can't be decrypted is noted as that: it has its
// place, and the next ones are waiting. Its error is the Store's.
func (c *Client) read(m messaging.Message, item *body.Item) error {
	var plain []byte
	var err error
	if m.Sender == c.me.Device {
		var keys bool
		if plain, keys, err = c.mine(m.ID); err != nil || keys {
			return err
		}
		if plain == nil {
			item.Why = "sent by this device, which has kept no copy"
			return nil
		}
	} else if plain, err = c.open(m); err != nil || plain == nil {
		return c.unreadable(m, item, err)
	}
	if item.Body, err = body.Decode(plain, m.Conversation, m.ID); err != nil {
		item.Why = err.Error()
		return nil
	}
	if item.Body.Kind == body.Devices {
		c.person(m.Sender.User).askAgain()
	}
	return nil
}

// open decrypts what a message has for this device: nil when that was only the
// sender's key for a group.
func (c *Client) open(m messaging.Message) (plain []byte, err error) {
	own, ok := m.Body.To[c.me.Device]
	if !ok && m.Body.Shared == nil {
		if m.Conversation.Kind() == messaging.Direct {
			return nil, errBefore
		}
		return nil, nil // keys for others
	}
	if p := c.person(m.Sender.User); !slices.Contains(p.devices, m.Sender) {
		p.askAgain() // they have a new one
	}
	if ok {
		opened, err := c.e2e.Decrypt(address(m.Sender), own)
		if err != nil {
			return nil, err
		}
		plain = opened.Body
	}
	if m.Body.Shared != nil {
		plain, err = c.e2e.DecryptGroup(string(m.Conversation), address(m.Sender), m.Body.Shared)
		if errors.Is(err, e2e.ErrNoGroupKey) {
			err = errBefore
		}
	}
	return plain, err
}

// unreadable notes why a message can't be read; without an error it has nothing to
// read.
func (c *Client) unreadable(m messaging.Message, item *body.Item, err error) error {
	if err == nil {
		return nil
	}
	item.Why = err.Error()
	if errors.Is(err, errBefore) {
		return c.introduce(m.Conversation)
	}
	if changed, ok := errors.AsType[*e2e.KeyChanged](err); ok {
		item.Why = whyHeld
		return c.store.put(keyHeld+itemKey(m.Conversation, m.Seq), held{m, *changed})
	}
	return nil
}

// introduce tells the others of a conversation, once, that this device is there: the
// new device of somebody they know.
func (c *Client) introduce(id messaging.ConversationID) error {
	if told, err := c.store.Get(keyTold + string(id)); err != nil || told != nil {
		return err
	}
	c.later(func(context.Context) { _, _ = c.post(id, body.Body{Kind: body.Devices}) }) // a Store that fails is told by the next
	return c.store.put(keyTold+string(id), true)
}

// reread reads what was held up by a person's key that is accepted now.
func (c *Client) reread(id messaging.ConversationID, t *talk, u messaging.UserID) error {
	var all []held
	var keys []string
	prefix := keyHeld + keyItem + string(id) + "/"
	err := each(c.store, prefix, func(key string, h held) { all, keys = append(all, h), append(keys, prefix+key) })
	for i, h := range all {
		if err != nil {
			return err
		}
		if h.Message.Sender.User != u {
			continue
		}
		if err = c.e2e.Accept(&h.Changed); err != nil {
			return err
		}
		item := t.items[h.Message.Seq]
		item.Why = ""
		if err = c.store.put(keys[i], nil); err != nil {
			return err
		}
		if err = c.read(h.Message, &item); err != nil {
			return err
		}
		t.keep(item)
		err = c.store.put(itemKey(id, item.Seq), item)
	}
	return err
}

// forget takes away what a message has said that was deleted by somebody who may.
func (c *Client) forget(m messaging.Message, t *talk) error {
	item, ok := t.items[m.Target]
	if !ok || item.Kind != messaging.Posted || item.Sender.User != m.Sender.User && !t.admin(m.Sender.User) {
		return nil
	}
	if item.Body != nil && (item.Body.Kind == body.Edit || item.Body.Kind == body.Reaction) {
		item.Body = &body.Body{Kind: item.Body.Kind, Target: item.Body.Target} // it is still none to show
	} else {
		item.Body = nil
	}
	item.Why = whyDeleted
	t.keep(item)
	return c.store.put(itemKey(m.Conversation, item.Seq), item)
}

func (t *talk) admin(u messaging.UserID) bool {
	return t.roster != nil && t.roster.Kind != messaging.Direct && t.roster.Members[u].Role == messaging.Admin
}

// gather takes a change of the members into account. Who came later has not seen the
// first of them, and asks.
func (c *Client) gather(m messaging.Message, t *talk) error {
	if t.roster == nil && m.Kind != messaging.Created {
		c.ask(m.Conversation)
		return nil
	}
	if t.roster == nil {
		t.roster = &messaging.Roster{}
	}
	t.roster.Apply(m)
	return c.store.put(keyRoster+string(m.Conversation), t.roster)
}

// ask asks for the members of a conversation and how far they are.
func (c *Client) ask(id messaging.ConversationID) {
	c.later(func(context.Context) { c.link.Members(id) })
}

// heard takes what is told beside messages. What it stages is stored with the next
// message: it can be had again.
func (c *Client) heard(frame any) {
	c.mu.Lock()
	changed := messaging.ConversationID("")
	switch f := frame.(type) {
	case device.On:
		c.turned(f)
	case *wire.Welcome:
		c.me.Token = f.Token
		_ = c.store.put(keyMe, c.me) // an account is JSON
		_ = c.commit()               // what ends the client is kept
	case *wire.Receipt:
		c.talk(f.Conversation).receive(f.Receipt)
		changed = f.Conversation
	case *wire.Roster:
		c.learn(f)
		changed = f.Conversation
	case *wire.TypingBy:
		if t := c.talk(f.Conversation); f.On {
			t.typing[f.By] = c.cfg.Now().Add(typingFor)
		} else {
			delete(t.typing, f.By)
		}
		changed = f.Conversation
	case *wire.Presence:
		p := c.person(f.User)
		p.online, p.lastSeen = f.Online, f.LastSeen
	}
	c.mu.Unlock()
	c.cfg.Changed(changed)
}

// typingFor is how long somebody is shown as typing who says nothing more.
const typingFor = 6 * time.Second

func (c *Client) turned(on device.On) {
	c.on = on
	if on.Gateway == "" {
		c.later(c.learnGateways)
	}
	if on.Current {
		c.me.Connected = c.cfg.Now()
		_ = c.store.put(keyMe, c.me) // an account is JSON
		for id, t := range c.talks {
			if t.roster == nil && t.last > 0 {
				c.ask(id)
			}
		}
	}
}

func (t *talk) receive(r messaging.Receipt) {
	before := t.receipts[r.Device]
	r.Delivered, r.Read = max(r.Delivered, before.Delivered), max(r.Read, before.Read)
	t.receipts[r.Device] = r
}

// learn takes the server's word for who is in a conversation, all pages of it. Each may
// be older than what this device has seen since, which is applied once more.
func (c *Client) learn(f *wire.Roster) {
	t := c.talk(f.Conversation)
	for _, r := range f.Receipts {
		r.Conversation = f.Conversation
		t.receive(r)
	}
	r := &messaging.Roster{Conversation: messaging.Conversation{ID: f.Conversation, Kind: f.Conversation.Kind(), Title: f.Title}, Members: map[messaging.UserID]messaging.Membership{}}
	for _, m := range f.Members {
		r.Members[m.User] = messaging.Membership{User: m.User, Role: m.Role, Since: m.Since, Until: m.Until}
	}
	for s := messaging.Seq(1); s <= t.last; s++ {
		if item, ok := t.items[s]; ok && item.Kind != messaging.Posted && item.Kind != messaging.Created {
			r.Apply(messaging.Message{Draft: messaging.Draft{Conversation: f.Conversation, Sender: item.Sender, Kind: item.Kind, Users: item.Users}, Seq: s})
		}
	}
	t.roster = r
	_ = c.store.put(keyRoster+string(f.Conversation), r) // a roster is JSON
	c.stir()
}

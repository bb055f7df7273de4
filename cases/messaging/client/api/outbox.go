package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
	"designkits/cases/messaging/client/e2e"
	"designkits/cases/messaging/device"
	"designkits/cases/messaging/wire"
)

// An outgoing is a message on its way, as the Store keeps it.
type outgoing struct {
	Message wire.Send `json:"message"`
	// Plain is what it says, and Body that as the server gets it: nil until it is
	// encrypted. Keys go before it: in a large group there are more than fit into it.
	Plain []byte      `json:"plain,omitempty"`
	Keys  []wire.Send `json:"keys,omitempty"`
	Body  bool        `json:"body"`
	At    time.Time   `json:"at"`
	// Why it isn't sent: Held until a key is accepted, else for good.
	Why  string          `json:"why,omitempty"`
	Held *e2e.KeyChanged `json:"held,omitempty"`

	number int
	sent   bool // it is committed, and not yet at its place on the screen
}

func (o *outgoing) key() string { return fmt.Sprintf("%s%016d", keyOut, o.number) }

// waiting reports whether it is to be sent.
func (o *outgoing) waiting() bool { return !o.sent && o.Why == "" }

// newMessageID returns one that nobody has: 130 random bits.
func newMessageID() messaging.MessageID { return messaging.MessageID(rand.Text()) }

// post puts a body into the outbox.
func (c *Client) post(id messaging.ConversationID, b body.Body) (messaging.MessageID, error) {
	b.Conversation, b.ID = id, newMessageID()
	plain, err := b.Encode()
	if err != nil {
		return "", err
	}
	return b.ID, c.enqueue(wire.Send{Conversation: id, ID: b.ID, Kind: messaging.Posted}, plain)
}

func (c *Client) enqueue(m wire.Send, plain []byte) error {
	err := c.change(func() error {
		if c.e2e == nil {
			return ErrNoAccount
		}
		o := &outgoing{Message: m, Plain: plain, At: c.cfg.Now().UTC(), number: c.nextOut}
		if err := c.store.put(o.key(), o); err != nil {
			return err
		}
		c.nextOut++
		c.outbox = append(c.outbox, o)
		c.talk(m.Conversation).folded = nil
		return nil
	})
	if err != nil {
		return err
	}
	c.cfg.Changed(m.Conversation)
	c.stir()
	return nil
}

// deliver sends what is in the outbox, one after the other, until the context ends.
// What can't be sent for now is tried again, and holds up nothing but what comes
// after it; what never can, or waits for a person, is passed by.
func (c *Client) deliver(ctx context.Context) error {
	for {
		o := c.next()
		if o == nil {
			select {
			case <-c.wake:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		err := c.dispatch(ctx, o)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			continue
		}
		if refused := c.refuse(o, err); refused != nil {
			return refused
		}
		if o.waiting() {
			select {
			case <-time.After(pauseOf(err)):
			case <-c.wake:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// pauseOf is what is waited for after an error.
func pauseOf(err error) time.Duration {
	if p, ok := errors.AsType[*Problem](err); ok {
		return max(p.RetryAfter, retryAfter)
	}
	return retryAfter
}

func (c *Client) next() *outgoing {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.outbox, (*outgoing).waiting)
	if i < 0 {
		return nil
	}
	return c.outbox[i]
}

// dispatch encrypts a message, unless that was done, and has it committed.
func (c *Client) dispatch(ctx context.Context, o *outgoing) error {
	if o.Plain != nil && !o.Body {
		if err := c.seal(ctx, o); err != nil {
			return err
		}
	}
	for _, keys := range o.Keys {
		if _, err := c.link.Send(ctx, keys); err != nil {
			return err
		}
	}
	if _, err := c.link.Send(ctx, o.Message); err != nil {
		return err
	}
	c.mu.Lock()
	o.sent = true
	c.mu.Unlock()
	c.cfg.Changed(o.Message.Conversation)
	return nil
}

// refuse notes why a message can't be sent, if trying again wouldn't help.
func (c *Client) refuse(o *outgoing, err error) error {
	changed, held := errors.AsType[*e2e.KeyChanged](err)
	_, refused := errors.AsType[*device.Refusal](err)
	_, invalid := errors.AsType[*messaging.Invalid](err)
	if !held && !refused && !invalid && again(err) {
		return nil
	}
	failed := c.change(func() error {
		if refusal, ok := errors.AsType[*device.Refusal](err); ok && refusal.Frame.Kind == "taken" && o.Message.Kind == messaging.Created {
			c.outbox = slices.DeleteFunc(c.outbox, func(other *outgoing) bool { return other == o }) // the other has begun it at the same time
			return c.store.put(o.key(), nil)
		}
		o.Why, o.Held = err.Error(), changed
		return c.store.put(o.key(), o)
	})
	c.cfg.Changed(o.Message.Conversation)
	return failed
}

// errWait is of what needs an answer that is on its way.
var errWait = errors.New("it isn't known yet who is in this conversation")

// seal encrypts a message for the devices that its readers have now, and keeps it
// like that: what was sent once is sent again as it was.
func (c *Client) seal(ctx context.Context, o *outgoing) error {
	id := o.Message.Conversation
	c.mu.Lock()
	roster := c.talk(id).roster
	var users []messaging.UserID
	if roster != nil {
		users = roster.Users()
	}
	c.mu.Unlock()
	if roster == nil {
		c.link.Members(id)
		return errWait
	}
	devices, err := c.devicesOf(ctx, users)
	if err != nil {
		return err
	}
	return c.change(func() error {
		if err := c.encrypt(o, devices); err != nil {
			return err
		}
		o.Body = true
		return c.store.put(o.key(), o)
	})
}

// maxKeys is how many bytes of keys go into one message.
const maxKeys = messaging.MaxBody / 2

func (c *Client) encrypt(o *outgoing, devices []messaging.Address) error {
	o.Message.Body, o.Keys = messaging.Body{To: map[messaging.Address][]byte{}}, nil
	if o.Message.Conversation.Kind() == messaging.Direct {
		others := false
		for _, a := range devices {
			envelope, err := c.e2e.Encrypt(address(a), o.Plain)
			if err != nil {
				return err
			}
			o.Message.Body.To[a] = envelope
			others = others || a.User != c.me.User
		}
		if !others {
			return fmt.Errorf("nobody can read it yet: the other has no device that is set up")
		}
		return nil
	}
	all := make([]e2e.Address, len(devices))
	for i, a := range devices {
		all[i] = address(a)
	}
	m, err := c.e2e.EncryptGroup(string(o.Message.Conversation), all, o.Plain)
	if err != nil {
		return err
	}
	o.Message.Body.Shared = m.Envelope
	for _, key := range m.Keys {
		if o.Message.Body.Size()+len(key.Envelope) > maxKeys {
			before := wire.Send{Conversation: o.Message.Conversation, ID: newMessageID(), Kind: messaging.Posted, Body: messaging.Body{To: o.Message.Body.To}}
			o.Keys = append(o.Keys, before)
			o.Message.Body.To = map[messaging.Address][]byte{}
		}
		o.Message.Body.To[of(key.To)] = key.Envelope
	}
	return nil
}

// Retry sends again what was refused, or drops it.
func (c *Client) Retry(id messaging.MessageID, drop bool) error {
	err := c.change(func() error {
		i := slices.IndexFunc(c.outbox, func(o *outgoing) bool { return o.Message.ID == id && o.Why != "" })
		if i < 0 {
			return messaging.ErrNotFound
		}
		o := c.outbox[i]
		c.talk(o.Message.Conversation).folded = nil
		if drop {
			c.outbox = slices.Delete(c.outbox, i, i+1)
			return c.store.put(o.key(), nil)
		}
		o.Why, o.Held = "", nil
		return c.store.put(o.key(), o)
	})
	c.stir()
	return err
}

// Accept takes a key that has changed, after a person has compared the safety
// number, and sends what was held up by it.
func (c *Client) Accept(u messaging.UserID) error {
	err := c.change(func() error {
		for _, o := range c.outbox {
			if o.Held == nil || o.Held.Address.User != string(u) {
				continue
			}
			if err := c.e2e.Accept(o.Held); err != nil {
				return err
			}
			o.Why, o.Held = "", nil
			if err := c.store.put(o.key(), o); err != nil {
				return err
			}
		}
		for id, t := range c.talks {
			if err := c.reread(id, t, u); err != nil {
				return err
			}
		}
		return nil
	})
	c.stir()
	c.cfg.Changed("")
	return err
}

// mine takes one's own message out of the outbox and returns what it says.
func (c *Client) mine(id messaging.MessageID) (plain []byte, keys bool, err error) {
	for i, o := range c.outbox {
		if slices.ContainsFunc(o.Keys, func(k wire.Send) bool { return k.ID == id }) {
			return nil, true, nil
		}
		if o.Message.ID != id {
			continue
		}
		c.outbox = slices.Delete(c.outbox, i, i+1)
		if b, err := body.Decode(o.Plain, o.Message.Conversation, id); err == nil && b.Media != nil {
			for _, p := range []*body.Pointer{b.Media, b.Media.Thumbnail} {
				if p != nil {
					if err := c.store.put(keyUsed+p.Blob, true); err != nil {
						return nil, false, err
					}
				}
			}
			c.later(func(ctx context.Context) { _ = c.tellUsed(ctx) }) // maintain does it else
		}
		return o.Plain, false, c.store.put(o.key(), nil)
	}
	return nil, false, nil
}

// tellUsed says of attachments that their messages are sent, so that they are kept.
func (c *Client) tellUsed(ctx context.Context) error {
	keys, err := c.store.Keys(keyUsed)
	if err != nil {
		return err
	}
	for _, key := range keys {
		err := c.call(ctx, "POST", "/api/media/"+strings.TrimPrefix(key, keyUsed)+"/used", nil, nil, nil)
		if err != nil && again(err) {
			return err
		}
		if err := c.change(func() error { return c.store.put(key, nil) }); err != nil {
			return err
		}
	}
	return nil
}

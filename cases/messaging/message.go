package messaging

import (
	"fmt"
	"regexp"
	"time"
)

// A Seq numbers the messages of a conversation: 1, 2, 3, … without a gap. 0 is
// before the first.
type Seq int64

// A MessageID is chosen by the sending device, at random: sending again under
// the same id is the same message.
type MessageID string

var messageForm = regexp.MustCompile(`^[0-9A-Za-z_-]{16,32}$`)

// Valid reports whether it is 16 to 32 letters and digits.
func (id MessageID) Valid() bool { return messageForm.MatchString(string(id)) }

// A MessageKind is what the server must know of a message to treat it rightly.
// What a person wrote, edited, or reacted with stands in the body, where the
// server can't read it: all these are Posted.
type MessageKind string

// The kinds of messages.
const (
	Posted  MessageKind = "posted"
	Deleted MessageKind = "deleted" // the bodies of Target are to be forgotten, by everybody
	Added   MessageKind = "added"   // Users are members from here on
	Removed MessageKind = "removed" // Users are not any more
	Left    MessageKind = "left"    // the sender isn't any more
	Created MessageKind = "created" // number 1: the conversation begins with the sender, its admin, and Users
)

// Limits of a message.
const (
	MaxBody  = 64 << 10 // bytes of all bodies; what is larger is media
	MaxAdded = 1000     // people added by one message
	MaxTitle = 200      // bytes of a title
)

// A Body is what only devices can read. One of sender keys is the same for all
// (Shared); one of pairwise sessions is another for each device (To), and a
// message may have both: the keys that a new member needs go along with it.
type Body struct {
	Shared []byte             `json:"shared,omitempty"`
	To     map[Address][]byte `json:"to,omitempty"`
}

// Size is the bytes of all bodies.
func (b Body) Size() int {
	n := len(b.Shared)
	for _, each := range b.To {
		n += len(each)
	}
	return n
}

// For is what one device needs of the body.
func (b Body) For(a Address) Body {
	own := Body{Shared: b.Shared}
	if each, ok := b.To[a]; ok {
		own.To = map[Address][]byte{a: each}
	}
	return own
}

// A Draft is a message as a device sends it. Nothing of it has been checked, but
// for the sender, whom the gateway vouches for.
type Draft struct {
	Conversation ConversationID `json:"conversation"`
	ID           MessageID      `json:"id"`
	Sender       Address        `json:"sender"`
	Kind         MessageKind    `json:"kind"`
	Target       Seq            `json:"target,omitempty"` // of Deleted
	Users        []UserID       `json:"users,omitempty"`  // of Created, Added and Removed
	Title        string         `json:"title,omitempty"`  // of Created
	Body         Body           `json:"body,omitzero"`
}

// Check is nil or a *Invalid: whether the draft is well formed by itself.
func (d Draft) Check() error {
	switch {
	case !d.Conversation.Valid():
		return &Invalid{"conversation", fmt.Sprintf("%q names no conversation", d.Conversation)}
	case !d.ID.Valid():
		return &Invalid{"id", "give it 16 to 32 letters and digits, at random, and the same again when it is sent again"}
	case d.Body.Size() > MaxBody:
		return &Invalid{"body", fmt.Sprintf("%d bytes; %d are allowed, more goes as media", d.Body.Size(), MaxBody)}
	}
	switch d.Kind {
	case Posted:
		if d.Body.Size() == 0 {
			return &Invalid{"body", "it is empty"}
		}
	case Deleted:
		if d.Target < 1 {
			return &Invalid{"target", "give the number of the message to delete"}
		}
	case Created:
		if err := d.checkCreated(); err != nil {
			return err
		}
		fallthrough
	case Added, Removed:
		if len(d.Users) == 0 || len(d.Users) > MaxAdded {
			return &Invalid{"users", fmt.Sprintf("%d people; one to %d at a time", len(d.Users), MaxAdded)}
		}
		for _, u := range d.Users {
			if !u.Valid() {
				return &Invalid{"users", fmt.Sprintf("%q is nobody's account", u)}
			}
		}
	case Left:
	default:
		return &Invalid{"kind", fmt.Sprintf("%q is none that a device sends", d.Kind)}
	}
	return nil
}

func (d Draft) checkCreated() error {
	switch kind := d.Conversation.Kind(); {
	case kind == Direct && (len(d.Users) != 1 || d.Conversation != DirectID(d.Sender.User, d.Users[0])):
		return &Invalid{"conversation", "that of two people has an id made of both, see DirectID"}
	case kind == Direct && d.Title != "":
		return &Invalid{"title", "a conversation of two has none"}
	case kind != Direct && (d.Title == "" || len(d.Title) > MaxTitle):
		return &Invalid{"title", fmt.Sprintf("%d bytes; one to %d", len(d.Title), MaxTitle)}
	}
	return nil
}

// A Message is a draft that has its place in the conversation. It doesn't change.
type Message struct {
	Draft
	Seq Seq       `json:"seq"`
	At  time.Time `json:"at"` // the owner's clock, never before that of the message before; milliseconds
}

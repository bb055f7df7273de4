// Package wire is what a device and its gateway say to each other: WebSocket text
// frames, each one JSON object with a type.
//
// A device that has connected is told its Welcome. With its first frame, within 30 s,
// the connection takes the place of the one before. It asks to Resume; the gateway
// sends what its inbox holds as Message frames, waiting now and then until the
// device has acknowledged them, then a Notice for each group and channel, then
// Current, and from then on messages as they come. Frames that ask for something
// carry a Ref, any string, which the answer repeats: Sent, Page, Roster, or Error.
//
// The device acknowledges the messages of a conversation up to a number, without
// a gap; what it acknowledged comes again only if it asks. A number that is
// missing it asks for by History. The same message may come twice: it is known by
// its conversation and number.
package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"designkits/cases/messaging"
)

// MaxFrame is the largest frame that a gateway takes: a body in base 64 and room
// for the rest.
const MaxFrame = messaging.MaxBody*4/3 + 32<<10

// Codes with which a gateway closes a connection for good, besides those of the
// WebSocket protocol.
const (
	CodeReplaced = 4001 // the device has connected once more
	CodeRevoked  = 4003 // the device was signed out
)

// Frames from a device.
type (
	// Resume begins, and begins again after Lagging: from the inbox's oldest item.
	// With All set the gateway tells, by Notices, how far every conversation is: for
	// a device that has nothing yet, or was away for longer than its inbox keeps.
	Resume struct {
		Ref string `json:"ref,omitempty"`
		All bool   `json:"all,omitempty"`
	}
	// Send is a message. Sent again with the same id it is the same message.
	Send struct {
		Ref          string                   `json:"ref"`
		Conversation messaging.ConversationID `json:"conversation"`
		ID           messaging.MessageID      `json:"id"`
		Kind         messaging.MessageKind    `json:"kind"`
		Target       messaging.Seq            `json:"target,omitempty"`
		Users        []messaging.UserID       `json:"users,omitempty"`
		Title        string                   `json:"title,omitempty"`
		Body         messaging.Body           `json:"body,omitzero"`
	}
	// Ack says that this device has all messages up to a number, and with Read that
	// the person has seen them. Others are told.
	Ack struct {
		Conversation messaging.ConversationID `json:"conversation"`
		Seq          messaging.Seq            `json:"seq"`
		Read         bool                     `json:"read,omitempty"`
	}
	// History asks for messages, at most MaxPage, answered by a Page.
	History struct {
		Ref          string                   `json:"ref"`
		Conversation messaging.ConversationID `json:"conversation"`
		From         messaging.Seq            `json:"from"`
		To           messaging.Seq            `json:"to"`
	}
	// Members asks who is in a conversation and how far they are, answered by a Roster:
	// of a large one by its first page, or by the one behind the person After.
	Members struct {
		Ref          string                   `json:"ref"`
		Conversation messaging.ConversationID `json:"conversation"`
		After        messaging.UserID         `json:"after,omitempty"`
	}
	// Typing is told to who is connected now, and stored nowhere.
	Typing struct {
		Conversation messaging.ConversationID `json:"conversation"`
		On           bool                     `json:"on"`
	}
	// Watch says whose presence this device wants to hear of: those in the chat
	// that is open, and nobody else's; at most presence.MaxWatched. It replaces what
	// was watched before. The conversation is how others know that this person is a
	// contact; where none is given it is the one of the two.
	Watch struct {
		Ref          string                   `json:"ref,omitempty"`
		Conversation messaging.ConversationID `json:"conversation,omitempty"`
		Users        []messaging.UserID       `json:"users"`
	}
)

// MaxPage is how many messages a Page has at most; MaxRoster how many people, and how
// many receipts, a Roster has.
const (
	MaxPage   = 100
	MaxRoster = 1000
)

// Frames to a device.
type (
	// Welcome is the first.
	Welcome struct {
		Device  messaging.Address `json:"device"`
		Gateway string            `json:"gateway"`
		// Resume is a token with which the device may come back to any gateway
		// without its session's token, once, within a while.
		Resume string `json:"resume"`
		// Token takes the place of the device's own. It comes when that isn't new.
		Token string `json:"token,omitempty"`
	}
	// Sent answers Send: the message is committed and has its number.
	Sent struct {
		Ref          string                   `json:"ref"`
		Conversation messaging.ConversationID `json:"conversation"`
		ID           messaging.MessageID      `json:"id"`
		Seq          messaging.Seq            `json:"seq"`
		At           time.Time                `json:"at"`
	}
	// Message is one, with what this device can read of it.
	Message struct {
		messaging.Message
	}
	// Notice says that a conversation has grown up to a number: a large one, or one
	// whose message may have missed this device. What is lacking is in its history.
	Notice struct {
		Conversation messaging.ConversationID `json:"conversation"`
		Seq          messaging.Seq            `json:"seq"`
	}
	// Current says that the inbox is empty: what comes now is new. It comes unasked
	// where the gateway has seen by itself that this device may have missed something.
	Current struct {
		Ref string `json:"ref,omitempty"`
	}
	// Page answers History, in order, as many as fit: ask for the rest. Only what is
	// before Begins, or behind Ends, is not this person's to read. Anything else that
	// is missing is about to come: a message has its number a moment before it is
	// stored. Ask again then, and never leave it out.
	Page struct {
		Ref          string                   `json:"ref"`
		Conversation messaging.ConversationID `json:"conversation"`
		Begins       messaging.Seq            `json:"begins"`
		Ends         messaging.Seq            `json:"ends,omitempty"` // of who has gone
		Messages     []messaging.Message      `json:"messages"`
	}
	// Roster answers Members: who was and is there, and how far their devices are, as
	// of a moment ago. More says that others come behind the last of these: ask for
	// those After. How far they are is told only where one page has all.
	Roster struct {
		Ref          string                   `json:"ref"`
		Conversation messaging.ConversationID `json:"conversation"`
		Title        string                   `json:"title,omitempty"`
		Members      []RosterMember           `json:"members"`
		More         bool                     `json:"more,omitempty"`
		Receipts     []messaging.Receipt      `json:"receipts,omitempty"`
	}
	// RosterMember is a messaging.Membership.
	RosterMember struct {
		User  messaging.UserID `json:"user"`
		Role  messaging.Role   `json:"role"`
		Since messaging.Seq    `json:"since"`
		Until messaging.Seq    `json:"until,omitempty"`
	}
	// Receipt says how far somebody's device is.
	Receipt struct{ messaging.Receipt }
	// TypingBy is somebody's Typing.
	TypingBy struct {
		Conversation messaging.ConversationID `json:"conversation"`
		By           messaging.UserID         `json:"by"`
		On           bool                     `json:"on"`
	}
	// Presence is somebody's who is watched. Without a LastSeen, of who isn't there,
	// nothing is known or shown; of whom nothing was told either.
	Presence struct {
		User     messaging.UserID `json:"user"`
		Online   bool             `json:"online"`
		LastSeen time.Time        `json:"lastSeen,omitzero"`
	}
	// Lagging says that this device reads too slowly, or may have missed something: what
	// was queued for it is dropped, answers too, and nothing more comes until it asks to
	// Resume. What wasn't answered it says again.
	Lagging struct{}
	// Move says that this gateway will close; connect to another after a while.
	Move struct {
		After time.Duration `json:"after"` // nanoseconds, drawn for each device
	}
	// Error answers a frame that couldn't be followed. Nothing was changed.
	Error struct {
		Ref    string `json:"ref,omitempty"`
		Kind   string `json:"kind"` // stable: "not-member", "invalid", "busy", …
		Detail string `json:"detail"`
		Field  string `json:"field,omitempty"`
		// Again says that the same frame may succeed later.
		Again bool `json:"again,omitempty"`
	}
)

// up and down are the types by which frames are known.
var up = map[string]func() any{
	"resume": func() any { return new(Resume) }, "send": func() any { return new(Send) }, "ack": func() any { return new(Ack) },
	"history": func() any { return new(History) }, "typing": func() any { return new(Typing) }, "watch": func() any { return new(Watch) },
	"members": func() any { return new(Members) },
}

var down = map[string]func() any{
	"welcome": func() any { return new(Welcome) }, "sent": func() any { return new(Sent) }, "message": func() any { return new(Message) },
	"notice": func() any { return new(Notice) }, "current": func() any { return new(Current) }, "page": func() any { return new(Page) },
	"receipt": func() any { return new(Receipt) }, "typing": func() any { return new(TypingBy) }, "presence": func() any { return new(Presence) },
	"lagging": func() any { return new(Lagging) }, "move": func() any { return new(Move) }, "error": func() any { return new(Error) },
	"roster": func() any { return new(Roster) },
}

// Up reads a frame from a device: *Resume, *Send, *Ack, *History, *Members,
// *Typing or *Watch. Its error is a *messaging.Invalid.
func Up(data []byte) (any, error) { return read(up, data) }

// Down reads a frame from a gateway.
func Down(data []byte) (any, error) { return read(down, data) }

func read(types map[string]func() any, data []byte) (any, error) {
	name, known := typeAtFront(types, data)
	if !known {
		var head struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(data, &head); err != nil {
			return nil, &messaging.Invalid{Field: "frame", Reason: "it is no JSON object: " + err.Error()}
		}
		name = head.Type
	}
	make, ok := types[name]
	if !ok {
		return nil, &messaging.Invalid{Field: "type", Reason: fmt.Sprintf("%.40q is unknown", name)}
	}
	frame := make()
	if err := json.Unmarshal(data, frame); err != nil {
		return nil, &messaging.Invalid{Field: name, Reason: err.Error()}
	}
	return frame, nil
}

// typeAtFront is the type of a frame that begins with it, as Encode writes them: to
// look for it through the whole frame takes as long again as to read the frame.
func typeAtFront(types map[string]func() any, data []byte) (name string, known bool) {
	rest, ok := bytes.CutPrefix(data, []byte(`{"type":"`))
	before, _, quoted := bytes.Cut(rest, []byte(`"`))
	if name = string(before); !ok || !quoted || types[name] == nil {
		return "", false
	}
	return name, true
}

// Encode writes a frame, from either side; it panics for what is none, which a
// test of each call finds.
func Encode(frame any) []byte {
	body, err := json.Marshal(frame)
	name := nameOf(frame)
	if err != nil || name == "" {
		panic(fmt.Sprintf("wire: %T is no frame: %v", frame, err))
	}
	head := []byte(`{"type":"` + name + `"`)
	if len(body) > 2 {
		head = append(head, ',')
	}
	return append(head, body[1:]...)
}

func nameOf(frame any) string {
	switch frame.(type) {
	case Resume:
		return "resume"
	case Send:
		return "send"
	case Ack:
		return "ack"
	case History:
		return "history"
	case Typing, TypingBy:
		return "typing"
	case Watch:
		return "watch"
	case Members:
		return "members"
	case Roster:
		return "roster"
	case Welcome:
		return "welcome"
	case Sent:
		return "sent"
	case Message:
		return "message"
	case Notice:
		return "notice"
	case Current:
		return "current"
	case Page:
		return "page"
	case Receipt:
		return "receipt"
	case Presence:
		return "presence"
	case Lagging:
		return "lagging"
	case Move:
		return "move"
	case Error:
		return "error"
	}
	return ""
}

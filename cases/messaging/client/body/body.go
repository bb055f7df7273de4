// Package body is what stands inside an encrypted message: a text, an edit, a
// reaction, an attachment. The page and the command line read and write the same,
// and Fold makes of a conversation's messages what a screen shows of it.
//
// A body names the conversation and the message that carries it, and Decode checks
// both: the server chooses what it hands to whom, and could otherwise show a
// message of one conversation in another, or an old one as if it were new.
//
// Deleting is no body: the server must know which bodies it has to forget, so it is
// a kind of message (messaging.Deleted).
package body

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"designkits/cases/messaging"
)

// version is of the format. Whoever sends more than others understand raises it.
const version = 1

// A Kind is what sort of body it is.
type Kind string

// The kinds of bodies.
const (
	Text     Kind = "text"
	Edit     Kind = "edit"     // Text and Mentions in place of Target's
	Reaction Kind = "reaction" // Emoji to Target, in place of the person's one before; "" takes it back
	Media    Kind = "media"    // an attachment, Text is what is said of it
	Devices  Kind = "devices"  // the sender's devices have changed: look them up. It isn't shown
)

// Limits, in bytes. A text goes to fifteen devices of two people in one message, and
// messaging.MaxBody bounds them together; what is longer is sent as a file.
const (
	MaxText     = 3000
	MaxEmoji    = 40 // a family of four with skin tones
	MaxMentions = 50
	maxName     = 255
	maxType     = 100
)

// A Body is one.
type Body struct {
	Version      int                      `json:"v"`
	Conversation messaging.ConversationID `json:"conversation"`
	ID           messaging.MessageID      `json:"id"`
	Kind         Kind                     `json:"kind"`
	Text         string                   `json:"text,omitempty"`
	Mentions     []messaging.UserID       `json:"mentions,omitempty"`
	Reply        messaging.MessageID      `json:"reply,omitempty"`  // of Text and Media: what it answers
	Target       messaging.MessageID      `json:"target,omitempty"` // of Edit and Reaction
	Emoji        string                   `json:"emoji,omitempty"`
	Media        *Pointer                 `json:"media,omitempty"`
}

// A Pointer says where an attachment is and how to read it. Its first fields are
// those of e2e.Blob.
type Pointer struct {
	Key       []byte   `json:"key"`
	Digest    []byte   `json:"digest"` // SHA-256 of the ciphertext
	Size      int64    `json:"size"`   // of the plaintext
	Blob      string   `json:"blob"`   // its id at the server
	Type      string   `json:"type"`   // "image/jpeg"
	Name      string   `json:"name,omitempty"`
	Width     int      `json:"width,omitempty"` // of a picture, in pixels
	Height    int      `json:"height,omitempty"`
	Thumbnail *Pointer `json:"thumbnail,omitempty"` // made by the sender: nobody else could
}

// The errors of Decode.
var (
	// ErrElsewhere: the body was written for another message than the one that
	// brought it. The server, or somebody on it, has exchanged them.
	ErrElsewhere = errors.New("the body belongs to another message: it was moved here by somebody who can't read it")
	// ErrNewer: a newer client has written it.
	ErrNewer = errors.New("a newer client has written this: update yours to read it")
)

// Encode writes a body, after Check.
func (b Body) Encode() ([]byte, error) {
	b.Version = version
	if err := b.Check(); err != nil {
		return nil, err
	}
	return json.Marshal(b)
}

// Decode reads the body of a message: ErrElsewhere, ErrNewer, or a *messaging.Invalid.
func Decode(plain []byte, c messaging.ConversationID, id messaging.MessageID) (*Body, error) {
	var b Body
	if err := json.Unmarshal(plain, &b); err != nil {
		return nil, &messaging.Invalid{Field: "body", Reason: err.Error()}
	}
	switch {
	case b.Conversation != c || b.ID != id:
		return nil, ErrElsewhere
	case b.Version > version:
		return nil, ErrNewer
	}
	if err := b.Check(); err != nil {
		return nil, err
	}
	return &b, nil
}

// Check is nil or a *messaging.Invalid. What others send is held to the same: a
// body that no client of ours writes is not shown.
func (b Body) Check() error {
	bad := func(field, reason string) error { return &messaging.Invalid{Field: field, Reason: reason} }
	if !b.Conversation.Valid() || !b.ID.Valid() {
		return bad("id", "a body names its conversation and its message")
	}
	if !utf8.ValidString(b.Text) || len(b.Text) > MaxText {
		return bad("text", fmt.Sprintf("%d bytes; %d are allowed, send more as a file", len(b.Text), MaxText))
	}
	if len(b.Mentions) > MaxMentions {
		return bad("mentions", fmt.Sprintf("%d people; %d are allowed", len(b.Mentions), MaxMentions))
	}
	for _, u := range b.Mentions {
		if !u.Valid() {
			return bad("mentions", fmt.Sprintf("%.40q is nobody's account", u))
		}
	}
	if b.Reply != "" && !b.Reply.Valid() {
		return bad("reply", "it names no message")
	}
	switch b.Kind {
	case Text:
		if strings.TrimSpace(b.Text) == "" {
			return bad("text", "it is empty")
		}
	case Edit:
		if !b.Target.Valid() {
			return bad("target", "say which message is edited")
		}
	case Reaction:
		if !b.Target.Valid() {
			return bad("target", "say which message it is a reaction to")
		}
		if len(b.Emoji) > MaxEmoji || !utf8.ValidString(b.Emoji) || strings.ContainsFunc(b.Emoji, func(r rune) bool { return r <= ' ' }) {
			return bad("emoji", "one emoji")
		}
	case Media:
		if b.Media == nil {
			return bad("media", "say where the attachment is")
		}
		return b.Media.check(true)
	case Devices:
	default:
		return fmt.Errorf("%w (a body of kind %.20q)", ErrNewer, b.Kind)
	}
	return nil
}

func (p *Pointer) check(thumbnail bool) error {
	switch {
	case len(p.Key) != 32 || len(p.Digest) != 32 || p.Size < 1 || p.Blob == "" || len(p.Blob) > 64:
		return &messaging.Invalid{Field: "media", Reason: "it needs a blob, its key, its digest and its size"}
	case len(p.Name) > maxName || len(p.Type) > maxType || !utf8.ValidString(p.Name) || strings.ContainsAny(p.Name, "/\\\x00"):
		return &messaging.Invalid{Field: "media", Reason: "a name without a folder, and a type, both short"}
	case p.Width < 0 || p.Height < 0:
		return &messaging.Invalid{Field: "media", Reason: "a picture has a width and a height"}
	case p.Thumbnail != nil && !thumbnail:
		return &messaging.Invalid{Field: "media", Reason: "a thumbnail has none itself"}
	case p.Thumbnail != nil:
		return p.Thumbnail.check(false)
	}
	return nil
}

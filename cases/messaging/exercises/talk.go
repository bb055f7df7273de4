package exercises

import (
	"crypto/rand"
	"encoding/base64"
	"maps"

	"designkits/cases/messaging"
	"designkits/shared/exercise/grade"
)

// Shared is a body that is the same for all.
func Shared(text string) map[string]any {
	return map[string]any{"shared": base64.StdEncoding.EncodeToString([]byte(text))}
}

// Send sends a message and returns the answer; members are more of the frame's, or
// other ones.
func (l *Line) Send(c messaging.ConversationID, text string, members map[string]any) Frame {
	l.t.Helper()
	frame := map[string]any{"conversation": c, "id": rand.Text()[:20], "kind": "posted", "body": Shared(text)}
	maps.Copy(frame, members)
	return l.Ask("send", frame)
}

// Post sends a text, or ends the check.
func (l *Line) Post(c messaging.ConversationID, text string) messaging.Seq {
	l.t.Helper()
	f := l.Send(c, text, nil)
	if f.Type != "sent" {
		l.t.Fatalf("a message is answered %s, want that it is sent, as before", f)
	}
	return f.Seq
}

// Begin begins a group or a channel with people, or the conversation with one.
func (l *Line) Begin(kind messaging.Kind, with ...*Device) messaging.ConversationID {
	l.t.Helper()
	users := make([]messaging.UserID, len(with))
	for i, d := range with {
		users[i] = d.User()
	}
	frame := map[string]any{"kind": "created", "users": users, "body": nil}
	c := messaging.NewConversationID(kind)
	if kind == messaging.Direct {
		c = messaging.DirectID(l.owner.User(), users[0])
	} else {
		frame["title"] = "a " + string(kind)
	}
	if f := l.Send(c, "", frame); f.Type != "sent" {
		l.t.Fatalf("a new %s is answered %s, want that it is sent, as before", kind, f)
	}
	return c
}

// History reads what there is of a conversation from one number to another, a page
// of it at most.
func (l *Line) History(c messaging.ConversationID, from, to messaging.Seq) Frame {
	l.t.Helper()
	return l.Ask("history", map[string]any{"conversation": c, "from": from, "to": to})
}

// Stored waits until a message of that number can be read: it is sent a moment before.
func (l *Line) Stored(c messaging.ConversationID, s messaging.Seq) {
	l.t.Helper()
	if !grade.Soon(within, func() bool { return len(l.History(c, s, s).Messages) == 1 }) {
		l.t.Fatalf("message %d was sent, and isn't in the history", s)
	}
}

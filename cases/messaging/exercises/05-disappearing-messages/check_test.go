//go:build exercise

package disappearing_test

import (
	"encoding/json"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/exercises"
)

// lasts is for how many seconds a message is there. late is how much later it may
// still be: on a machine that is busy nobody is on time.
const (
	lasts = 6
	late  = 10 * time.Second
)

// A message is one as a page or a frame has it.
type message struct {
	Seq    messaging.Seq     `json:"seq"`
	Kind   string            `json:"kind"`
	Sender messaging.Address `json:"sender"`
	Lasts  int               `json:"lasts"`
	Body   messaging.Body    `json:"body"`
}

type talk struct {
	t    *testing.T
	id   messaging.ConversationID
	by   messaging.Address
	line *exercises.Line
}

func TestDisappearing(t *testing.T) {
	c := exercises.Start(t)
	ana, bo := c.Person(1)[0], c.Person(2)
	one, two := ana.Connect(0), bo[0].Connect(1)
	k := &talk{t, one.Begin(messaging.Direct, bo[0]), ana.Account.Device, one}
	k.refuses()

	before := one.Post(k.id, "for ever")
	const id = "burn-after-reading-1"
	burns := map[string]any{"lasts": lasts, "id": id}
	sent := time.Now()
	f := one.Send(k.id, "the key is under the mat", burns)
	if f.Type != "sent" {
		t.Fatalf("a message that lasts %d seconds is answered %s, want that it is sent", lasts, f)
	}
	gone := f.Seq
	after := one.Post(k.id, "for ever, too")

	var m message
	if f := two.Await("the message", exercises.Message(k.id, gone)); json.Unmarshal(f.Text, &m) != nil || m.Lasts != lasts || len(m.Body.Shared) == 0 {
		t.Errorf("somebody who is there gets %s, want a body and that it lasts %d seconds", f, lasts)
	}
	two.Stored(k.id, after)
	k.disappears(two, gone, sent)
	k.rest(two, before, gone, after)
	k.again(burns, gone, two)

	// A device that was away all the time.
	away := bo[1].Connect(0)
	for s := messaging.Seq(1); s <= after; s++ {
		f, ok := away.Find(exercises.Message(k.id, s))
		if !ok {
			t.Fatalf("a device that was away doesn't get message %d of %d: its place is gone with it", s, after)
		}
		var m message
		if err := json.Unmarshal(f.Text, &m); err != nil {
			t.Fatal(err)
		}
		k.looks("a device that was away", m, s == gone)
	}
}

// refuses tries what can't last.
func (k *talk) refuses() {
	k.t.Helper()
	for _, bad := range []map[string]any{{"lasts": -1}, {"lasts": 604801}, {"lasts": lasts, "kind": "deleted", "target": 1, "body": nil}} {
		if f := k.line.Send(k.id, "text", bad); !f.Refused("invalid") {
			k.t.Fatalf("a message with %v is answered %s, want an error of kind invalid", bad, f)
		}
	}
}

// page reads one message, nil where there is none.
func (k *talk) page(l *exercises.Line, s messaging.Seq) *message {
	k.t.Helper()
	var page struct{ Messages []message }
	f := l.History(k.id, s, s)
	if err := json.Unmarshal(f.Text, &page); err != nil || f.Type != "page" {
		k.t.Fatalf("the history is answered %s, want a page as before", f)
	}
	if len(page.Messages) == 0 {
		return nil
	}
	return &page.Messages[0]
}

// disappears reads a message until it says nothing more.
func (k *talk) disappears(l *exercises.Line, s messaging.Seq, sent time.Time) {
	k.t.Helper()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for ; ; <-again.C {
		m := k.page(l, s)
		passed := time.Since(sent)
		switch {
		case m == nil:
			k.t.Fatalf("after %s message %d isn't in the history: its place is gone with it, and whoever counts asks for it for ever", passed.Round(time.Second), s)
		case m.Body.Size() == 0 && passed < (lasts-1)*time.Second:
			k.t.Fatalf("a message that lasts %d seconds has no body after %s", lasts, passed)
		case m.Body.Size() == 0:
			return
		case passed > lasts*time.Second+late:
			k.t.Fatalf("a message that lasts %d seconds is still to be read after %s", lasts, passed.Round(time.Second))
		}
	}
}

// looks looks at a message when the one that disappears has.
func (k *talk) looks(who string, m message, gone bool) {
	k.t.Helper()
	switch {
	case gone && m.Body.Size() > 0:
		k.t.Errorf("%s reads what message %d has said, which is over", who, m.Seq)
	case gone && (m.Lasts != lasts || m.Kind != "posted" || m.Sender != k.by):
		k.t.Errorf("%s finds %+v, want its kind, its sender, and that it lasted %d seconds", who, m, lasts)
	case !gone && m.Kind == "posted" && (m.Body.Size() == 0 || m.Lasts != 0):
		k.t.Errorf("%s finds %+v, want the body of a message that doesn't disappear", who, m)
	}
}

func (k *talk) rest(l *exercises.Line, before, gone, after messaging.Seq) {
	k.t.Helper()
	for _, s := range []messaging.Seq{before, gone, after} {
		m := k.page(l, s)
		if m == nil {
			k.t.Fatalf("message %d isn't in the history: its place is gone with it", s)
		}
		k.looks("who reads the history", *m, s == gone)
	}
}

// again sends the message once more, as after an answer that was lost.
func (k *talk) again(burns map[string]any, gone messaging.Seq, l *exercises.Line) {
	k.t.Helper()
	if f := k.line.Send(k.id, "the key is under the mat", burns); f.Type != "sent" || f.Seq != gone {
		k.t.Errorf("the message is sent again under its id, and that is answered %s, want the same number, %d", f, gone)
	}
	l.Stored(k.id, k.line.Post(k.id, "what comes after it is stored"))
	if m := k.page(l, gone); m == nil || m.Body.Size() > 0 {
		k.t.Errorf("the message was sent again, and in the history is %+v, want no body", m)
	}
}

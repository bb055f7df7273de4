//go:build exercise

package readers_test

import (
	"encoding/json"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/exercises"
)

// crowd is how many readers there are, half of them at each gateway.
const crowd = 12

type channel struct {
	t         *testing.T
	id        messaging.ConversationID
	publisher *exercises.Line
	readers   []*exercises.Line
}

func TestReaders(t *testing.T) {
	c := exercises.Start(t)
	town, member := c.Person(1)[0], c.Person(1)[0]
	ch := &channel{t: t, publisher: town.Connect(0)}
	ch.id = ch.publisher.Begin(messaging.Channel, member) // who isn't connected
	last := ch.publisher.Post(ch.id, "the water is off")
	ch.publisher.Stored(ch.id, last)

	people := make([]*exercises.Device, crowd)
	for i := range people {
		people[i] = c.Person(1)[0]
		l := people[i].Connect(i)
		ch.follows(l, last)
		ch.readers = append(ch.readers, l)
	}
	for range 5 {
		last = ch.publisher.Post(ch.id, "the water is on")
	}
	for i, l := range ch.readers {
		if _, ok := l.Comes(exercises.Patience, ch.notice(last)); !ok {
			t.Fatalf("a reader follows at gateway %d, where no member is connected, and isn't told of message %d", i%2+1, last)
		}
		ch.reads(l, last)
	}
	ch.areNobody(last)
	ch.areLimited()
	last = ch.end()
	ch.comesBack(people[2], ch.readers[2], last)
}

func (ch *channel) notice(s messaging.Seq) func(exercises.Frame) bool {
	return func(f exercises.Frame) bool { return f.Type == "notice" && f.Conversation == ch.id && f.Seq == s }
}

func (ch *channel) follows(l *exercises.Line, last messaging.Seq) {
	ch.t.Helper()
	f := l.Ask("follow", map[string]any{"conversation": ch.id, "on": true})
	if f.Type != "followed" || f.Conversation != ch.id || f.Seq != last {
		ch.t.Fatalf("a reader follows, and is answered %s, want followed with seq %d", f, last)
	}
}

func (ch *channel) reads(l *exercises.Line, last messaging.Seq) {
	ch.t.Helper()
	page := l.History(ch.id, 1, last)
	if page.Type != "page" || len(page.Messages) != int(last) || string(page.Messages[last-1].Body.Shared) != "the water is on" {
		ch.t.Fatalf("a reader asks for the history, and is answered %s, want a page of %d messages with their shared bodies", page, last)
	}
}

// areNobody looks what the channel knows of its readers.
func (ch *channel) areNobody(last messaging.Seq) {
	ch.t.Helper()
	var roster struct{ Members []any }
	if f := ch.publisher.Ask("members", map[string]any{"conversation": ch.id}); json.Unmarshal(f.Text, &roster) != nil || len(roster.Members) != 2 {
		ch.t.Errorf("of a channel with two members and %d readers the roster is %s, want the two", crowd, f)
	}
	for _, l := range ch.readers {
		if n := l.Count(func(f exercises.Frame) bool { return f.Type == "message" }); n > 0 {
			ch.t.Errorf("a reader has got %d messages, want notices", n)
		}
	}
	if f := ch.readers[0].Send(ch.id, "mine is on", nil); !f.Refused("not-member") {
		ch.t.Errorf("a reader writes, and is answered %s, want an error of kind not-member", f)
	}
	ch.reads(ch.readers[0], last)
}

// areLimited tries what isn't for readers.
func (ch *channel) areLimited() {
	ch.t.Helper()
	l := ch.readers[1]
	group := ch.publisher.Begin(messaging.Group, ch.readers[0].Owner())
	ch.publisher.Post(group, "between us")
	follow := func(c messaging.ConversationID) exercises.Frame {
		return l.Ask("follow", map[string]any{"conversation": c, "on": true})
	}
	if f := follow(group); !f.Refused("not-member") {
		ch.t.Errorf("somebody follows a group, and is answered %s, want an error of kind not-member", f)
	}
	if f := l.History(group, 1, 2); !f.Refused("not-member") {
		ch.t.Errorf("somebody reads in a group that they aren't in, and is answered %s, want an error of kind not-member", f)
	}
	if f := follow(messaging.NewConversationID(messaging.Channel)); !f.Refused("not-found") {
		ch.t.Errorf("somebody follows a channel that there is none of, and is answered %s, want an error of kind not-found", f)
	}
}

// end has the first of each gateway end it.
func (ch *channel) end() (last messaging.Seq) {
	ch.t.Helper()
	for _, l := range ch.readers[:2] {
		l.Say("follow", map[string]any{"conversation": ch.id, "on": false})
		l.Ask("members", map[string]any{"conversation": ch.id}) // frames are followed in order
	}
	before := ch.publisher.Post(ch.id, "the water is off")
	last = ch.publisher.Post(ch.id, "the water is on")
	for _, l := range ch.readers[2:] {
		l.Await("the notice of the last message", ch.notice(last)) // all have been told of the one before
	}
	for i, l := range ch.readers[:2] {
		l.Ask("members", map[string]any{"conversation": ch.id})
		if _, ok := l.Find(ch.notice(before)); ok {
			ch.t.Errorf("a reader at gateway %d has ended it, and is told of message %d", i+1, before)
		}
	}
	return last
}

// comesBack has a reader go, miss a message, and come to the other gateway.
func (ch *channel) comesBack(d *exercises.Device, l *exercises.Line, last messaging.Seq) {
	ch.t.Helper()
	l.Close()
	last = ch.publisher.Post(ch.id, "the water is on")
	back := d.Connect(1)
	if n := back.Count(func(f exercises.Frame) bool { return f.Conversation == ch.id }); n > 0 {
		ch.t.Errorf("a reader was away, and finds %d frames of the channel waiting, want none: it asks", n)
	}
	ch.readers[3].Await("the notice of a message", ch.notice(last))
	ch.follows(back, last)
	ch.reads(back, last)
	last = ch.publisher.Post(ch.id, "the water is on")
	back.Await("a notice at the other gateway than before", ch.notice(last))
}

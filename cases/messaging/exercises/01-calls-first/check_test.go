//go:build exercise

package calls_test

import (
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/exercises"
)

// waiting is how many messages wait for the device: more than a page of its inbox.
const waiting = 150

func calls(c messaging.ConversationID, by messaging.UserID, on bool) func(exercises.Frame) bool {
	return func(f exercises.Frame) bool {
		return f.Type == "call" && f.Conversation == c && f.By == by && f.On == on
	}
}

func TestCallsFirst(t *testing.T) {
	c := exercises.Start(t)
	ana, bo, stranger := c.Person(2), c.Person(2), c.Person(1)[0]
	caller := ana[0].Connect(0)
	talk := caller.Begin(messaging.Direct, bo[0])

	if f := stranger.Connect(1).Ask("call", map[string]any{"conversation": talk, "on": true}); !f.Refused("not-member") {
		t.Fatalf("somebody who isn't a member calls, and is answered %s, want an error of kind not-member with its ref", f)
	}
	live := bo[0].Connect(1)
	other := ana[1].Connect(1)
	for _, l := range []*exercises.Line{live, other} {
		l.Await("the first message", exercises.Message(talk, 1)) // who is a member is stored by then
	}
	ring := func(on bool) { caller.Say("call", map[string]any{"conversation": talk, "on": on}) }
	ring(true)
	live.Await("the call of somebody at the other gateway", calls(talk, ana[0].User(), true))
	other.Await("the call that the same person has begun on another device", calls(talk, ana[0].User(), true))
	ring(false)
	live.Await("the end of the call", calls(talk, ana[0].User(), false))

	for range waiting {
		caller.Post(talk, "good night")
	}
	late := bo[1].Dial(0) // after the call
	catchesUp(t, late, talk, caller, ana[0].User())
	missesNothing(t, late, talk, caller)
	late.Close()
	fromAfar(t, bo[1], talk, caller, ana[0].User())
}

// catchesUp calls a device that hasn't asked to resume, and then one that has
// acknowledged nothing.
func catchesUp(t *testing.T, l *exercises.Line, talk messaging.ConversationID, caller *exercises.Line, by messaging.UserID) {
	t.Helper()
	l.Ask("members", map[string]any{"conversation": talk}) // a connection counts from the first thing that it says
	caller.Say("call", map[string]any{"conversation": talk, "on": true})
	l.Await("a call before it has asked to resume", calls(talk, by, true))
	if n := l.Count(func(f exercises.Frame) bool { return f.Type == "call" }); n != 1 {
		t.Errorf("a device connects after a call has ended and is called once, and is told of %d calls: a call is stored nowhere", n)
	}
	l.Say("resume", nil)
	l.Await("the first message that waits", exercises.Message(talk, 1))
	caller.Say("call", map[string]any{"conversation": talk, "on": false})
	if _, ok := l.Comes(exercises.Patience, calls(talk, by, false)); !ok {
		t.Fatalf("a device catches up, and isn't told of a call before it has acknowledged what waits for it: the call stands in line behind %d messages, or is dropped", waiting)
	}
}

// missesNothing acknowledges what came, and looks whether all messages do, and
// those that are sent then.
func missesNothing(t *testing.T, l *exercises.Line, talk messaging.ConversationID, caller *exercises.Line) {
	t.Helper()
	l.Acknowledge()
	l.Await("that it is current", func(f exercises.Frame) bool { return f.Type == "current" })
	last := caller.Post(talk, "good morning")
	l.Await("a message after it has caught up", exercises.Message(talk, last))
	for s := messaging.Seq(1); s <= last; s++ {
		if _, ok := l.Find(exercises.Message(talk, s)); !ok {
			t.Fatalf("a device that was called while it caught up never gets message %d of %d", s, last)
		}
	}
}

// fromAfar calls a device that catches up at another gateway.
func fromAfar(t *testing.T, d *exercises.Device, talk messaging.ConversationID, caller *exercises.Line, by messaging.UserID) {
	t.Helper()
	for range waiting {
		caller.Post(talk, "again")
	}
	l := d.Dial(1)
	l.Say("resume", nil)
	l.Await("a message that waits", func(f exercises.Frame) bool { return f.Type == "message" })
	caller.Say("call", map[string]any{"conversation": talk, "on": true})
	if _, ok := l.Comes(exercises.Patience, calls(talk, by, true)); !ok {
		t.Error("a device catches up at another gateway than the caller's, and isn't told of a call before it has acknowledged what waits for it")
	}
}

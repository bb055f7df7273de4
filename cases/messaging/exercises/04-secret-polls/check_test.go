//go:build exercise

package polls_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/exercises"
)

type poll struct {
	t     *testing.T
	group messaging.ConversationID
	seq   messaging.Seq
	lines []*exercises.Line // one a device: two of the first person, one of each other
}

func TestSecretPolls(t *testing.T) {
	c := exercises.Start(t)
	ana := c.Person(2)
	others := []*exercises.Device{c.Person(1)[0], c.Person(1)[0], c.Person(1)[0], c.Person(1)[0]}
	p := &poll{t: t}
	for i, d := range append(slices.Clone(ana), others...) {
		p.lines = append(p.lines, d.Connect(i))
	}
	p.group = p.lines[0].Begin(messaging.Group, others...)
	p.seq = p.lines[0].Post(p.group, "where do we eat?")
	for _, l := range p.lines[1:] {
		l.Await("the question", exercises.Message(p.group, p.seq))
	}
	p.votes(p.lines[0], 0, 1)
	p.votes(p.lines[2], 0, 2)
	p.votes(p.lines[3], 9, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1)
	for _, l := range p.lines[:3] {
		l.Await("the tally after somebody's vote", p.tally(2, 0, 0, 0, 0, 0, 0, 0, 0, 1))
	}
	p.votes(p.lines[3], 9, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1) // the same again
	p.onTwoDevices()
	p.refuses(c)
	p.removes(others[0])
	p.names(ana[0], others)
}

// want is a tally with zeros behind what is given.
func want(votes ...int) string {
	all := make([]int, 10)
	copy(all, votes)
	text, _ := json.Marshal(all) // numbers always marshal
	return string(text)
}

func of(f exercises.Frame) string {
	var tally struct{ Votes json.RawMessage }
	_ = json.Unmarshal(f.Text, &tally) // what isn't there isn't the tally
	return strings.ReplaceAll(string(tally.Votes), " ", "")
}

func (p *poll) tally(votes ...int) func(exercises.Frame) bool {
	return func(f exercises.Frame) bool {
		return f.Type == "tally" && f.Conversation == p.group && f.Seq == p.seq && f.Ref == "" && of(f) == want(votes...)
	}
}

func (p *poll) vote(l *exercises.Line, seq messaging.Seq, option any) exercises.Frame {
	p.t.Helper()
	frame := map[string]any{"conversation": p.group, "seq": seq}
	if option != nil {
		frame["option"] = option
	}
	return l.Ask("vote", frame)
}

// votes votes, and looks at the tally that comes of it.
func (p *poll) votes(l *exercises.Line, option int, votes ...int) {
	p.t.Helper()
	if f := p.vote(l, p.seq, option); f.Type != "tally" || of(f) != want(votes...) {
		p.t.Fatalf("a vote for option %d is answered %s, want a tally with votes %s", option, f, want(votes...))
	}
}

func (p *poll) asks(l *exercises.Line, what string, votes ...int) {
	p.t.Helper()
	if f := p.vote(l, p.seq, nil); f.Type != "tally" || of(f) != want(votes...) {
		p.t.Errorf("%s: the tally is %s, want votes %s", what, f, want(votes...))
	}
}

// onTwoDevices lets one person vote on both devices, one after the other and at once.
func (p *poll) onTwoDevices() {
	p.t.Helper()
	one, two, other := p.lines[0], p.lines[1], p.lines[4]
	if f := p.vote(two, p.seq, 1); of(f) != want(1, 1, 0, 0, 0, 0, 0, 0, 0, 1) {
		p.t.Fatalf("somebody has voted on two devices and the tally is %s, want votes %s: a person counts more than once, or the vote before counts", f, want(1, 1, 0, 0, 0, 0, 0, 0, 0, 1))
	}
	for i := range 5 {
		ref := fmt.Sprint("both ", i)
		for option, l := range map[int]*exercises.Line{2: one, 3: two} {
			l.Say("vote", map[string]any{"ref": ref, "conversation": p.group, "seq": p.seq, "option": option})
		}
		for _, l := range []*exercises.Line{one, two} {
			l.Await("an answer to a vote", func(f exercises.Frame) bool { return f.Ref == ref })
		}
		f := p.vote(other, p.seq, nil)
		if got := of(f); got != want(1, 0, 1, 0, 0, 0, 0, 0, 0, 1) && got != want(1, 0, 0, 1, 0, 0, 0, 0, 0, 1) {
			p.t.Fatalf("somebody votes on two devices at once and the tally is %s, want one vote more than the other two", f)
		}
	}
	p.votes(one, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1)
	p.asks(other, "who hasn't voted asks", 2, 0, 0, 0, 0, 0, 0, 0, 0, 1)
}

// refuses votes where one mustn't.
func (p *poll) refuses(c *exercises.Case) {
	p.t.Helper()
	for _, option := range []int{-1, 10} {
		if f := p.vote(p.lines[0], p.seq, option); !f.Refused("invalid") {
			p.t.Errorf("a vote for option %d is answered %s, want an error of kind invalid", option, f)
		}
	}
	if f := p.vote(p.lines[0], p.seq+1000, 0); !f.Refused("invalid") {
		p.t.Errorf("a vote on a message that there is none of is answered %s, want an error of kind invalid", f)
	}
	late := c.Person(1)[0]
	l := late.Connect(1)
	for _, option := range []any{0, nil} {
		if f := p.vote(l, p.seq, option); !f.Refused("not-member") {
			p.t.Errorf("somebody who isn't a member votes for %v, and is answered %s, want an error of kind not-member", option, f)
		}
	}
	f := p.lines[0].Send(p.group, "", map[string]any{"kind": "added", "users": []messaging.UserID{late.User()}, "body": nil})
	l.Await("that they are a member now", exercises.Message(p.group, f.Seq))
	if f := p.vote(l, p.seq, 0); !f.Refused("not-member") {
		p.t.Errorf("somebody who came after the message votes on it, and is answered %s, want an error of kind not-member", f)
	}
	p.asks(p.lines[2], "after votes that were refused", 2, 0, 0, 0, 0, 0, 0, 0, 0, 1)
}

// removes removes a member.
func (p *poll) removes(d *exercises.Device) {
	p.t.Helper()
	f := p.lines[0].Send(p.group, "", map[string]any{"kind": "removed", "users": []messaging.UserID{d.User()}, "body": nil})
	l := p.lines[2]
	l.Await("that they are removed", exercises.Message(p.group, f.Seq))
	if f := p.vote(l, p.seq, 5); !f.Refused("not-member") {
		p.t.Errorf("somebody who was removed votes at once, and is answered %s, want an error of kind not-member", f)
	}
}

// names looks for people in what was told of votes.
func (p *poll) names(ana *exercises.Device, others []*exercises.Device) {
	p.t.Helper()
	for _, l := range p.lines {
		for _, d := range append([]*exercises.Device{ana}, others...) {
			if f, ok := l.Find(func(f exercises.Frame) bool {
				return f.Type == "tally" && strings.Contains(string(f.Text), string(d.User()))
			}); ok {
				p.t.Errorf("a tally says who has voted: %s", f)
			}
		}
	}
}

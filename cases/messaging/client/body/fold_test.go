package body_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
)

func id(n int) messaging.MessageID { return messaging.MessageID(fmt.Sprintf("message-number-%d", n)) }

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// said is message number n of the conversation, under id n.
func said(n int, by messaging.UserID, b body.Body) body.Item {
	b.Conversation, b.ID = walks, id(n)
	return body.Item{
		Seq: messaging.Seq(n), ID: id(n), Sender: messaging.Address{User: by, Device: 1}, At: noon.Add(time.Duration(n) * time.Second),
		Kind: messaging.Posted, Body: &b,
	}
}

func text(n int, by messaging.UserID, text string) body.Item {
	return said(n, by, body.Body{Kind: body.Text, Text: text})
}
func edit(n int, by messaging.UserID, target int, text string) body.Item {
	return said(n, by, body.Body{Kind: body.Edit, Target: id(target), Text: text})
}
func react(n int, by messaging.UserID, target int, emoji string) body.Item {
	return said(n, by, body.Body{Kind: body.Reaction, Target: id(target), Emoji: emoji})
}
func remove(n int, by messaging.UserID, target int) body.Item {
	return body.Item{Seq: messaging.Seq(n), ID: id(n), Sender: messaging.Address{User: by, Device: 1}, Kind: messaging.Deleted, Target: messaging.Seq(target)}
}

func nobody(messaging.UserID) bool   { return false }
func isAna(u messaging.UserID) bool  { return u == ana }
func item(i body.Item) []body.Item   { return []body.Item{i} }
func pending(i body.Item) body.Item  { i.Seq = 0; return i }
func unreadable(n int) (i body.Item) { i = text(n, bo, ""); i.Body, i.Why = nil, "no key"; return i }
func reply(n, to int, t string) body.Item {
	return said(n, bo, body.Body{Kind: body.Text, Text: t, Reply: id(to)})
}

// shown is what a screen shows, a line each.
func shown(items []body.Item, admins func(messaging.UserID) bool) (lines []string) {
	names := map[messaging.UserID]string{ana: "ana", bo: "bo"}
	for _, e := range body.Fold(items, admins) {
		line := names[e.Sender.User] + ": " + e.Text
		if e.Deleted {
			line += "(deleted)"
		}
		if e.Why != "" {
			line += "(" + e.Why + ")"
		}
		if e.Edited {
			line += " (edited)"
		}
		if e.Reply != nil {
			line += fmt.Sprintf(" > %d %s", e.Reply.Seq, e.Reply.Text)
		}
		for _, r := range e.Reactions {
			line += fmt.Sprintf(" %s%d", r.Emoji, len(r.Users))
		}
		lines = append(lines, line)
	}
	return lines
}

func TestWhatAScreenShows(t *testing.T) {
	for name, c := range map[string]struct {
		items  []body.Item
		admins func(messaging.UserID) bool
		want   []string
	}{
		"texts in order":                         {[]body.Item{text(2, bo, "two"), text(1, ana, "one")}, nobody, []string{"ana: one", "bo: two"}},
		"one that came twice":                    {[]body.Item{text(1, ana, "one"), text(1, ana, "one")}, nobody, []string{"ana: one"}},
		"an edit":                                {[]body.Item{text(1, ana, "one"), edit(2, ana, 1, "uno")}, nobody, []string{"ana: uno (edited)"}},
		"an edit by another":                     {[]body.Item{text(1, ana, "one"), edit(2, bo, 1, "uno")}, isAna, []string{"ana: one"}},
		"an edit by another who is admin":        {[]body.Item{text(1, bo, "one"), edit(2, ana, 1, "uno")}, isAna, []string{"bo: one"}},
		"edits that came out of order":           {[]body.Item{edit(3, ana, 1, "eins"), text(1, ana, "one"), edit(2, ana, 1, "uno")}, nobody, []string{"ana: eins (edited)"}},
		"an edit of what isn't here":             {item(edit(2, ana, 1, "uno")), nobody, nil},
		"an edit to nothing":                     {[]body.Item{text(1, ana, "one"), edit(2, ana, 1, "")}, nobody, []string{"ana: one"}},
		"an edit that was before its message":    {[]body.Item{edit(1, ana, 2, "uno"), text(2, ana, "one")}, nobody, []string{"ana: one"}},
		"an edit of an edit":                     {[]body.Item{text(1, ana, "one"), edit(2, ana, 1, "uno"), edit(3, ana, 2, "eins")}, nobody, []string{"ana: uno (edited)"}},
		"reactions":                              {[]body.Item{text(1, ana, "one"), react(2, bo, 1, "+"), react(3, ana, 1, "+")}, nobody, []string{"ana: one +2"}},
		"a reaction that was exchanged":          {[]body.Item{text(1, ana, "one"), react(2, bo, 1, "+"), react(3, bo, 1, "-")}, nobody, []string{"ana: one -1"}},
		"a reaction that was taken back":         {[]body.Item{text(1, ana, "one"), react(2, bo, 1, "+"), react(3, bo, 1, "")}, nobody, []string{"ana: one"}},
		"a reaction that came twice":             {[]body.Item{text(1, ana, "one"), react(2, bo, 1, "+"), react(2, bo, 1, "+")}, nobody, []string{"ana: one +1"}},
		"a reply":                                {[]body.Item{text(1, ana, "one"), reply(2, 1, "two")}, nobody, []string{"ana: one", "bo: two > 1 one"}},
		"a reply to what was edited":             {[]body.Item{text(1, ana, "one"), reply(2, 1, "two"), edit(3, ana, 1, "uno")}, nobody, []string{"ana: uno (edited)", "bo: two > 1 uno"}},
		"a reply to what was deleted":            {[]body.Item{text(1, ana, "one"), reply(2, 1, "two"), remove(3, ana, 1)}, nobody, []string{"ana: (deleted)", "bo: two > 1 "}},
		"a reply to what isn't here":             {item(reply(2, 1, "two")), nobody, []string{"bo: two > 0 "}},
		"deleted by its author":                  {[]body.Item{text(1, ana, "one"), remove(2, ana, 1)}, nobody, []string{"ana: (deleted)"}},
		"deleted by another":                     {[]body.Item{text(1, ana, "one"), remove(2, bo, 1)}, isAna, []string{"ana: one"}},
		"deleted by an admin":                    {[]body.Item{text(1, bo, "one"), remove(2, ana, 1)}, isAna, []string{"bo: (deleted)"}},
		"deleted, then edited and reacted to":    {[]body.Item{text(1, ana, "one"), remove(2, ana, 1), edit(3, ana, 1, "uno"), react(4, bo, 1, "+")}, nobody, []string{"ana: (deleted)"}},
		"an edit that was deleted":               {[]body.Item{text(1, ana, "one"), edit(2, ana, 1, "uno"), remove(3, ana, 2)}, nobody, []string{"ana: one"}},
		"the server has forgotten what it was":   {[]body.Item{unreadable(1), remove(2, bo, 1)}, nobody, []string{"bo: (deleted)"}},
		"one that can't be read":                 {[]body.Item{unreadable(1), edit(2, bo, 1, "uno")}, nobody, []string{"bo: (no key)"}},
		"another's id taken":                     {[]body.Item{text(1, ana, "one"), {Seq: 2, ID: id(1), Sender: messaging.Address{User: bo, Device: 1}, Kind: messaging.Posted, Body: text(1, bo, "two").Body}}, nobody, []string{"ana: one"}},
		"one's own that isn't committed is last": {[]body.Item{pending(text(1, ana, "one")), text(2, bo, "two")}, nobody, []string{"bo: two", "ana: one"}},
		"devices that have changed":              {item(said(1, ana, body.Body{Kind: body.Devices})), nobody, nil},
	} {
		if got := shown(c.items, c.admins); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %s; want %s", name, strings.Join(got, " | "), strings.Join(c.want, " | "))
		}
	}
}

// TestTheOrderOfArrivalDoesNotMatter folds drawn conversations in drawn orders, with repetitions.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var items []body.Item
		for n := range rapid.IntRange(1, 12).Draw(t, "messages") {
			n++ // numbers begin with 1
			by := rapid.SampledFrom([]messaging.UserID{ana, bo}).Draw(t, "by")
			target := rapid.IntRange(1, 12).Draw(t, "target")
			items = append(items, rapid.SampledFrom([]body.Item{
				text(n, by, fmt.Sprint("text ", n)), edit(n, by, target, fmt.Sprint("edit ", n)),
				react(n, by, target, rapid.SampledFrom([]string{"", "+", "-"}).Draw(t, "emoji")), remove(n, by, target), reply(n, target, "reply"),
			}).Draw(t, "what"))
		}
		want := body.Fold(items, isAna)
		mixed := rapid.Permutation(append(items, items[rapid.IntRange(0, len(items)-1).Draw(t, "again")])).Draw(t, "arrival")
		if got := body.Fold(mixed, isAna); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
		for _, e := range want {
			if e.Deleted && (e.Text != "" || e.Reactions != nil || e.Media != nil || e.Edited) {
				t.Fatalf("%+v shows what was deleted", e)
			}
		}
	})
}

// TestADeletionTakesTheEditsAlong: their bodies are messages of their own.
func TestADeletionTakesTheEditsAlong(t *testing.T) {
	items := []body.Item{text(1, ana, "one"), text(2, bo, "two"), edit(3, ana, 1, "uno"), edit(4, bo, 1, "no"), edit(5, ana, 1, "eins")}
	if got := body.Parts(body.Fold(items, nobody), id(1)); !reflect.DeepEqual(got, []messaging.Seq{1, 3, 5}) {
		t.Errorf("%v", got)
	}
	if got := body.Parts(body.Fold(items, nobody), id(9)); got != nil {
		t.Errorf("of none: %v", got)
	}
}

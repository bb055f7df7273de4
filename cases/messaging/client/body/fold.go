package body

import (
	"cmp"
	"slices"
	"time"

	"designkits/cases/messaging"
)

// An Item is a message as a device keeps it, decrypted.
type Item struct {
	Seq    messaging.Seq         `json:"seq"` // 0 of one's own that isn't committed yet
	ID     messaging.MessageID   `json:"id"`
	Sender messaging.Address     `json:"sender"`
	At     time.Time             `json:"at"`
	Kind   messaging.MessageKind `json:"kind"`
	Target messaging.Seq         `json:"target,omitempty"` // of messaging.Deleted
	Users  []messaging.UserID    `json:"users,omitempty"`
	Title  string                `json:"title,omitempty"`
	Body   *Body                 `json:"body,omitempty"` // nil where there is none, or none that can be read
	Why    string                `json:"why,omitempty"`  // it can't be read
}

// An Entry is one line of what a screen shows.
type Entry struct {
	Seq       messaging.Seq         `json:"seq"`
	ID        messaging.MessageID   `json:"id"`
	Sender    messaging.Address     `json:"sender"`
	At        time.Time             `json:"at"`
	Kind      messaging.MessageKind `json:"kind"`            // Posted, or how the members have changed
	Users     []messaging.UserID    `json:"users,omitempty"` // who was added or removed
	Title     string                `json:"title,omitempty"`
	Text      string                `json:"text,omitempty"`
	Mentions  []messaging.UserID    `json:"mentions,omitempty"`
	Media     *Pointer              `json:"media,omitempty"`
	Reply     *Quote                `json:"reply,omitempty"`
	Reactions []Reacted             `json:"reactions,omitempty"`
	Edited    bool                  `json:"edited,omitempty"`
	Deleted   bool                  `json:"deleted,omitempty"`
	Why       string                `json:"why,omitempty"` // it can't be read

	edits []messaging.Seq // which a deletion takes along
}

// A Quote is what a reply answers, as it reads now.
type Quote struct {
	ID      messaging.MessageID `json:"id"`
	Seq     messaging.Seq       `json:"seq,omitempty"` // 0: it isn't on this device
	Sender  messaging.UserID    `json:"sender,omitempty"`
	Text    string              `json:"text,omitempty"`
	Deleted bool                `json:"deleted,omitempty"`
}

// Reacted are who has reacted with an emoji, in the order in which they did.
type Reacted struct {
	Emoji string             `json:"emoji"`
	Users []messaging.UserID `json:"users"`
}

// Fold is what a screen shows of these items, in the order of their numbers, those
// without a number last. In whatever order the items come, and however often, it is
// the same. Admins says who may delete what others wrote.
//
//   - Only a message's author edits it, from whichever device; the last edit counts.
//   - A person has one reaction to a message, the last.
//   - What was deleted shows nothing but that it was, also when an edit of it or a
//     reaction to it comes later. An edit that was deleted has never been.
//   - Of two messages with one id the first counts: whoever takes another's id
//     changes nothing.
func Fold(items []Item, admins func(messaging.UserID) bool) []Entry {
	f := fold{byID: map[messaging.MessageID]*Entry{}, deleted: deleted(items, admins)}
	for _, item := range ordered(items) {
		f.take(item)
	}
	entries := make([]Entry, len(f.entries))
	for i, e := range f.entries {
		f.quote(e)
		entries[i] = *e
	}
	return entries
}

// Parts are the numbers of the messages that have to be deleted with the entry of
// an id, which is among them: the edits have bodies of their own.
func Parts(entries []Entry, id messaging.MessageID) []messaging.Seq {
	for _, e := range entries {
		if e.ID == id && e.Seq > 0 && !e.Deleted {
			return append([]messaging.Seq{e.Seq}, e.edits...)
		}
	}
	return nil
}

// ordered are the items by number, each once.
func ordered(items []Item) []Item {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b Item) int {
		if (a.Seq == 0) != (b.Seq == 0) {
			return cmp.Compare(b.Seq, a.Seq)
		}
		return cmp.Compare(a.Seq, b.Seq)
	})
	return slices.CompactFunc(sorted, func(a, b Item) bool { return a.Seq == b.Seq && a.Seq > 0 })
}

// deleted are the numbers of what was deleted by somebody who may.
func deleted(items []Item, admins func(messaging.UserID) bool) map[messaging.Seq]bool {
	authors := map[messaging.Seq]messaging.UserID{}
	for _, item := range items {
		if item.Kind == messaging.Posted && item.Seq > 0 {
			authors[item.Seq] = item.Sender.User
		}
	}
	gone := map[messaging.Seq]bool{}
	for _, item := range items {
		author, ok := authors[item.Target]
		if item.Kind == messaging.Deleted && ok && (item.Seq == 0 || item.Target < item.Seq) &&
			(author == item.Sender.User || admins(item.Sender.User)) {
			gone[item.Target] = true
		}
	}
	return gone
}

type fold struct {
	entries []*Entry
	byID    map[messaging.MessageID]*Entry
	deleted map[messaging.Seq]bool
}

func (f *fold) take(item Item) {
	if f.byID[item.ID] != nil || item.Kind == messaging.Deleted {
		return
	}
	e := &Entry{Seq: item.Seq, ID: item.ID, Sender: item.Sender, At: item.At, Kind: item.Kind, Users: item.Users, Title: item.Title}
	switch b := item.Body; {
	case item.Kind != messaging.Posted:
	case b == nil || b.Kind == Text || b.Kind == Media:
		if e.Deleted = f.deleted[item.Seq]; e.Deleted {
			break
		}
		if b == nil && item.Why == "" {
			return // it brought keys, and says nothing
		}
		if b == nil {
			e.Why = item.Why
			break
		}
		e.Text, e.Mentions, e.Media = b.Text, b.Mentions, b.Media
		if b.Reply != "" {
			e.Reply = &Quote{ID: b.Reply}
		}
	default:
		if !f.deleted[item.Seq] {
			f.change(item)
		}
		return
	}
	f.entries = append(f.entries, e)
	f.byID[item.ID] = e
}

// change takes an edit or a reaction.
func (f *fold) change(item Item) {
	target := f.byID[item.Body.Target]
	if target == nil || target.Kind != messaging.Posted || target.Deleted || target.Why != "" {
		return
	}
	switch item.Body.Kind {
	case Edit:
		// An attachment may have no words; a text without any is no text.
		if target.Sender.User == item.Sender.User && (item.Body.Text != "" || target.Media != nil) {
			target.Text, target.Mentions, target.Edited = item.Body.Text, item.Body.Mentions, true
			if item.Seq > 0 {
				target.edits = append(target.edits, item.Seq)
			}
		}
	case Reaction:
		target.react(item.Sender.User, item.Body.Emoji)
	}
}

func (e *Entry) react(by messaging.UserID, emoji string) {
	for i := range e.Reactions {
		e.Reactions[i].Users = slices.DeleteFunc(e.Reactions[i].Users, func(u messaging.UserID) bool { return u == by })
	}
	e.Reactions = slices.DeleteFunc(e.Reactions, func(r Reacted) bool { return len(r.Users) == 0 })
	if emoji == "" {
		return
	}
	i := slices.IndexFunc(e.Reactions, func(r Reacted) bool { return r.Emoji == emoji })
	if i < 0 {
		e.Reactions = append(e.Reactions, Reacted{Emoji: emoji, Users: []messaging.UserID{by}})
		return
	}
	e.Reactions[i].Users = append(e.Reactions[i].Users, by)
}

// quoted is how many characters of a message its replies repeat.
const quoted = 100

func (f *fold) quote(e *Entry) {
	if e.Reply == nil {
		return
	}
	of := f.byID[e.Reply.ID]
	if of == nil {
		return
	}
	text := []rune(of.Text)
	if len(text) > quoted {
		text = append(text[:quoted], '…')
	}
	e.Reply = &Quote{ID: of.ID, Seq: of.Seq, Sender: of.Sender.User, Text: string(text), Deleted: of.Deleted}
	if of.Text == "" && of.Media != nil {
		e.Reply.Text = of.Media.Name
	}
}

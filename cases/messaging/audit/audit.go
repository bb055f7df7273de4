// Package audit compares what devices have shown with what was sent and with the
// history: lost, twice, or out of order is what must never be.
package audit

import (
	"context"
	"fmt"
	"sync"

	"designkits/cases/messaging"
)

// A Book writes down what was sent and what each device has shown. Its methods may
// be called by many goroutines at once.
type Book struct {
	mu    sync.Mutex
	sent  map[messaging.ConversationID]map[messaging.MessageID]messaging.Seq
	shown map[messaging.Address]map[messaging.ConversationID][]shown
}

type shown struct {
	id  messaging.MessageID
	seq messaging.Seq
}

// New returns an empty book.
func New() *Book {
	return &Book{
		sent:  map[messaging.ConversationID]map[messaging.MessageID]messaging.Seq{},
		shown: map[messaging.Address]map[messaging.ConversationID][]shown{},
	}
}

// Sent writes down that a device was told the message is sent.
func (b *Book) Sent(c messaging.ConversationID, id messaging.MessageID, s messaging.Seq) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent[c] == nil {
		b.sent[c] = map[messaging.MessageID]messaging.Seq{}
	}
	b.sent[c][id] = s
}

// Shown writes down that a device has put a message onto its screen.
func (b *Book) Shown(by messaging.Address, m messaging.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown[by] == nil {
		b.shown[by] = map[messaging.ConversationID][]shown{}
	}
	b.shown[by][m.Conversation] = append(b.shown[by][m.Conversation], shown{m.ID, m.Seq})
}

// Count is how many messages of a conversation a device has shown.
func (b *Book) Count(by messaging.Address, c messaging.ConversationID) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.shown[by][c])
}

// A Verdict is what is wrong.
type Verdict struct {
	Lost, Twice, OutOfOrder int
	First                   string // the first that is wrong, in words
}

// OK reports whether nothing is.
func (v Verdict) OK() bool { return v.Lost+v.Twice+v.OutOfOrder == 0 }

func (v *Verdict) note(count *int, format string, args ...any) {
	*count++
	if v.First == "" {
		v.First = fmt.Sprintf(format, args...)
	}
}

// Check compares the conversation's history, all of it, with what was sent in it
// and with what these devices have shown.
func (b *Book) Check(c messaging.ConversationID, history []messaging.Message, devices ...messaging.Address) (v Verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := map[messaging.MessageID]messaging.Seq{}
	for i, m := range history {
		if m.Seq != messaging.Seq(i+1) {
			v.note(&v.OutOfOrder, "%s: place %d of the history has number %d", c, i+1, m.Seq)
		}
		if before, ok := at[m.ID]; ok {
			v.note(&v.Twice, "%s: %s has numbers %d and %d", c, m.ID, before, m.Seq)
		}
		at[m.ID] = m.Seq
	}
	for id, seq := range b.sent[c] {
		if at[id] != seq {
			v.note(&v.Lost, "%s: %s was sent as number %d, and the history has it as %d", c, id, seq, at[id])
		}
	}
	for _, device := range devices {
		v.screen(c, device, b.shown[device][c], history)
	}
	return v
}

func (v *Verdict) screen(c messaging.ConversationID, device messaging.Address, screen []shown, history []messaging.Message) {
	seen := map[messaging.Seq]bool{}
	last := messaging.Seq(0)
	for _, s := range screen {
		switch {
		case seen[s.seq]:
			v.note(&v.Twice, "%s of %s stands twice on the screen of %s", s.id, c, device)
		case s.seq < last:
			v.note(&v.OutOfOrder, "on the screen of %s number %d of %s stands behind %d", device, s.seq, c, last)
		case int(s.seq) > len(history) || history[s.seq-1].ID != s.id:
			v.note(&v.OutOfOrder, "on the screen of %s number %d of %s is %s, and in the history it isn't", device, s.seq, c, s.id)
		}
		seen[s.seq] = true
		last = max(last, s.seq)
	}
	for _, m := range history {
		if !seen[m.Seq] {
			v.note(&v.Lost, "number %d of %s is not on the screen of %s", m.Seq, c, device)
		}
	}
}

// Add takes another verdict into this one.
func (v *Verdict) Add(o Verdict) {
	v.Lost, v.Twice, v.OutOfOrder = v.Lost+o.Lost, v.Twice+o.Twice, v.OutOfOrder+o.OutOfOrder
	if v.First == "" {
		v.First = o.First
	}
}

func (v Verdict) String() string {
	text := fmt.Sprintf("%d lost, %d twice, %d out of order", v.Lost, v.Twice, v.OutOfOrder)
	if v.First != "" {
		text += "; the first: " + v.First
	}
	return text
}

// Read returns all of a conversation's history.
func Read(ctx context.Context, h messaging.History, c messaging.ConversationID) (all []messaging.Message, err error) {
	const page = 1000
	for {
		next := messaging.Seq(len(all) + 1)
		more, err := h.Range(ctx, c, next, next+page-1, page)
		if err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		if all = append(all, more...); len(more) == 0 {
			return all, nil
		}
	}
}

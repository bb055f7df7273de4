package audit

import (
	"sync"
	"time"

	"designkits/cases/messaging"
)

// Live compares screens with each other while people talk, and forgets what all of
// them show: it is for a crowd that goes on for days, where a Book would grow. Its
// methods may be called by many goroutines at once.
type Live struct {
	late time.Duration

	mu    sync.Mutex
	talks map[messaging.ConversationID]*talk
	wrong Verdict // what stays wrong: Twice and OutOfOrder
}

// A talk is a conversation's newest messages.
type talk struct {
	next   map[messaging.Address]messaging.Seq // what each device shows next
	places map[messaging.Seq]*place
	ids    map[messaging.MessageID]messaging.Seq // of the places
}

type place struct {
	id    messaging.MessageID
	since time.Time // when it was first heard of
	waits int       // screens that don't show it yet
}

// remembered is how many messages of a conversation are kept that all screens show:
// one that stands a second time behind more isn't found.
const remembered = 200

// NewLive returns one for which a message is missing when a screen doesn't show it
// so long after it was first heard of.
func NewLive(late time.Duration) *Live {
	return &Live{late: late, talks: map[messaging.ConversationID]*talk{}}
}

// Begin says whose devices are to show all of a conversation.
func (l *Live) Begin(c messaging.ConversationID, devices ...messaging.Address) {
	t := &talk{next: map[messaging.Address]messaging.Seq{}, places: map[messaging.Seq]*place{}, ids: map[messaging.MessageID]messaging.Seq{}}
	for _, d := range devices {
		t.next[d] = 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.talks[c] = t
}

// Sent writes down that a device was told the message is sent: from now on it is
// missed.
func (l *Live) Sent(c messaging.ConversationID, id messaging.MessageID, s messaging.Seq) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.talks[c]
	for _, next := range t.next {
		if next <= s { // else all show it, and it may be forgotten
			l.place(t, c, id, s)
			return
		}
	}
}

// place is where the message stands, new or as it is known.
func (l *Live) place(t *talk, c messaging.ConversationID, id messaging.MessageID, s messaging.Seq) *place {
	p := t.places[s]
	if p == nil {
		p = &place{id: id, since: time.Now(), waits: len(t.next)}
		t.places[s] = p
		if before, ok := t.ids[id]; ok {
			l.wrong.note(&l.wrong.Twice, "%s: %s has numbers %d and %d", c, id, before, s)
		}
		t.ids[id] = s
	}
	if p.id != id {
		l.wrong.note(&l.wrong.OutOfOrder, "%s: number %d is %s for one and %s for another", c, s, p.id, id)
	}
	return p
}

// Shown writes down that a device has put a message onto its screen. Conversations
// that weren't begun are left out.
func (l *Live) Shown(by messaging.Address, m messaging.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.talks[m.Conversation]
	if t == nil {
		return
	}
	next := t.next[by]
	if m.Seq < next {
		l.wrong.note(&l.wrong.Twice, "number %d of %s stands twice on the screen of %s, or behind %d", m.Seq, m.Conversation, by, next-1)
		return
	}
	if m.Seq > next {
		l.wrong.note(&l.wrong.OutOfOrder, "on the screen of %s number %d of %s stands where %d is next", by, m.Seq, m.Conversation, next)
	}
	t.next[by] = m.Seq + 1
	p := l.place(t, m.Conversation, m.ID, m.Seq)
	if p.waits--; p.waits > 0 {
		return
	}
	if old := t.places[m.Seq-remembered]; old != nil && old.waits == 0 {
		delete(t.ids, old.id)
		delete(t.places, m.Seq-remembered)
	}
}

// Has is how far a device shows a conversation.
func (l *Live) Has(by messaging.Address, c messaging.ConversationID) messaging.Seq {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.talks[c].next[by] - 1
}

// Verdict is what is wrong now. Lost are those missing: one that comes late after all
// is lost no more.
func (l *Live) Verdict(now time.Time) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.wrong
	for c, t := range l.talks {
		for s, p := range t.places {
			if p.waits > 0 && now.Sub(p.since) > l.late {
				v.note(&v.Lost, "number %d of %s (%s) is missing on %d screens since %s", s, c, p.id, p.waits, now.Sub(p.since).Round(time.Second))
			}
		}
	}
	return v
}

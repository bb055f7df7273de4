package order

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"designkits/cases/messaging"
)

// Remembered is how many messages of a conversation an owner recognises when
// they are sent again.
const Remembered = 256

// A tail is what is needed of a conversation to go on with it.
type tail struct {
	roster *messaging.Roster
	last   messaging.Seq
	at     time.Time
	recent []sent // at most Remembered, oldest first

	mu      sync.Mutex
	applied messaging.Seq // guarded by mu
}

// sent is a message that a device may send again.
type sent struct {
	hash   uint64 // of the id: most of the others are told apart without looking at theirs
	sender messaging.Address
	id     messaging.MessageID
	seq    messaging.Seq
	at     time.Time
}

var seed = maphash.MakeSeed()

func hashOf(id messaging.MessageID) uint64 { return maphash.String(seed, string(id)) }

// tails are the conversations that an owner remembers. Only place changes them,
// and only one goroutine calls it.
type tails struct {
	history messaging.History
	rosters messaging.Rosters
	max     int
	people  int // that a roster has at most

	mu   sync.Mutex // guards byID, for applied
	byID map[messaging.ConversationID]*tail
}

// place gives a draft its place, or tells that it has it already.
func (t *tails) place(ctx context.Context, d messaging.Draft, now time.Time) (m messaging.Message, again bool, err error) {
	if err := d.Check(); err != nil {
		return messaging.Message{}, false, err
	}
	of, err := t.of(ctx, d.Conversation)
	if err != nil {
		return messaging.Message{}, false, fmt.Errorf("look up conversation %s: %w", d.Conversation, err)
	}
	hash := hashOf(d.ID)
	for _, s := range of.recent {
		if s.hash == hash && s.id == d.ID && s.sender == d.Sender {
			return messaging.Message{Draft: d, Seq: s.seq, At: s.at}, true, nil
		}
	}
	if err := t.allowed(ctx, of, d); err != nil {
		return messaging.Message{}, false, err
	}
	// The clock may have gone back, or been another owner's.
	at := now.UTC().Truncate(time.Millisecond)
	if at.Before(of.at) {
		at = of.at
	}
	m = messaging.Message{Draft: d, Seq: of.last + 1, At: at}
	of.add(m)
	return m, false, nil
}

// allowed is nil if the draft may be the next message.
func (t *tails) allowed(ctx context.Context, of *tail, d messaging.Draft) error {
	if d.Kind == messaging.Created {
		if of.last > 0 {
			return messaging.ErrTaken
		}
		return nil
	}
	if err := of.roster.MayPost(d.Sender.User, d.Kind); err != nil {
		return err
	}
	switch d.Kind {
	case messaging.Added:
		if of.roster.Here()+len(d.Users) > messaging.MaxMembers {
			return &messaging.TooMany{Limit: fmt.Sprintf("a conversation has %d members at most", messaging.MaxMembers)}
		}
		if had := len(of.roster.Members); had+of.roster.Strangers(d.Users) > t.people {
			return &messaging.TooMany{Limit: fmt.Sprintf("this conversation has had %d people, those who left among them, and takes %d at most: begin another", had, t.people)}
		}
	case messaging.Deleted:
		return t.mayDelete(ctx, of, d)
	}
	return nil
}

// mayDelete is nil for one's own message, and for an admin.
func (t *tails) mayDelete(ctx context.Context, of *tail, d messaging.Draft) error {
	if d.Target > of.last {
		return messaging.ErrNotFound
	}
	if of.roster.Members[d.Sender.User].Role == messaging.Admin && of.roster.Kind != messaging.Direct {
		return nil
	}
	for _, s := range of.recent {
		if s.seq == d.Target {
			return own(s.sender, d.Sender)
		}
	}
	found, err := t.history.Range(ctx, d.Conversation, d.Target, d.Target, 1)
	switch {
	case err != nil:
		return fmt.Errorf("look up message %d: %w", d.Target, err)
	case len(found) == 0:
		return messaging.ErrNotFound
	}
	return own(found[0].Sender, d.Sender)
}

func own(of, by messaging.Address) error {
	if of.User != by.User {
		return messaging.ErrNotAllowed
	}
	return nil
}

func (of *tail) add(m messaging.Message) {
	of.last, of.at = m.Seq, m.At
	of.roster.Apply(m)
	if len(of.recent) == Remembered {
		of.recent = append(of.recent[:0], of.recent[1:]...)
	}
	of.recent = append(of.recent, sent{hashOf(m.ID), m.Sender, m.ID, m.Seq, m.At})
}

// of returns the tail of a conversation, read from the stores the first time:
// an empty one where there is no such conversation.
func (t *tails) of(ctx context.Context, c messaging.ConversationID) (*tail, error) {
	t.mu.Lock()
	known, ok := t.byID[c]
	t.mu.Unlock()
	if ok {
		return known, nil
	}
	roster, err := t.rosters.Roster(ctx, c)
	if errors.Is(err, messaging.ErrNotFound) {
		roster, err = &messaging.Roster{}, nil
	}
	if err != nil {
		return nil, err
	}
	last, err := t.history.Last(ctx, c, Remembered)
	if err != nil {
		return nil, err
	}
	of := &tail{roster: roster}
	for _, m := range last {
		of.last, of.at = m.Seq, m.At
		of.recent = append(of.recent, sent{hashOf(m.ID), m.Sender, m.ID, m.Seq, m.At})
	}
	of.applied = of.last
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
	t.byID[c] = of
	return of, nil
}

// forget makes room: of a tenth of the conversations, whichever they are, but
// none whose stores don't have all yet. The caller holds mu.
func (t *tails) forget() {
	if len(t.byID) < t.max {
		return
	}
	excess := t.max/10 + 1
	for c, of := range t.byID {
		of.mu.Lock()
		settled := of.applied == of.last
		of.mu.Unlock()
		if settled {
			delete(t.byID, c)
			if excess--; excess == 0 {
				return
			}
		}
	}
}

// applied notes that the stores have a message.
func (t *tails) applied(m messaging.Message) {
	t.mu.Lock()
	of := t.byID[m.Conversation]
	t.mu.Unlock()
	if of == nil {
		return
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	of.applied = max(of.applied, m.Seq)
}

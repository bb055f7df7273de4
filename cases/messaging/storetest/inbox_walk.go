package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"designkits/cases/messaging"
)

// A walk is somebody who reads an inbox page by page, while others put, acknowledge
// and drop.
type walk struct {
	store  inbox
	device messaging.Address
	all    []messaging.Message // that may be put, in the order of pages
	put    map[int]bool        // of all, what was put
	has    map[messaging.ConversationID]messaging.Seq
}

// newWalk has messages of three conversations, on four days, around the ends of buckets.
func newWalk(store inbox) *walk {
	w := &walk{store: store, device: newDevice(), put: map[int]bool{}, has: map[messaging.ConversationID]messaging.Seq{}}
	ids := []messaging.ConversationID{newGroup(), newGroup(), newGroup()}
	slices.Sort(ids)
	for daysAgo := 3; daysAgo >= 0; daysAgo-- {
		for i, c := range ids {
			from := messaging.Seq(messaging.BucketSize*(i+1) - 6 + 4*(3-daysAgo))
			w.all = append(w.all, messagesOf(items(w.device, daysAgo, messages(c, from, from+3)...))...)
		}
	}
	return w
}

// open reports whether a message must be in a page.
func (w *walk) open(i int) bool { return w.put[i] && w.all[i].Seq > w.has[w.all[i].Conversation] }

// change is one of what others do.
func (w *walk) change(ctx context.Context, t *rapid.T) error {
	i := rapid.IntRange(0, len(w.all)-1).Draw(t, "message")
	m := w.all[i]
	switch rapid.IntRange(0, 4).Draw(t, "change") {
	case 0:
		w.has[m.Conversation] = max(w.has[m.Conversation], m.Seq)
		return acknowledge(ctx, w.store, w.device, m.Conversation, m.Seq)
	case 1:
		return w.store.Drop(ctx, []messaging.Receipt{{Conversation: m.Conversation, Device: w.device, Delivered: w.has[m.Conversation]}})
	default: // some at once, of one conversation or several
		var some []messaging.Item
		for j := i; j < min(i+rapid.IntRange(1, 6).Draw(t, "items"), len(w.all)); j++ {
			w.put[j] = true
			some = append(some, messaging.Item{Device: w.device, Message: w.all[j]})
		}
		return w.store.Put(ctx, some)
	}
}

// read reads all pages of a size, with changes in between: what was open at the
// beginning and is at the end must be there, once and in order, and nothing that
// was acknowledged before the page was read.
func (w *walk) read(ctx context.Context, t *rapid.T, limit int) error {
	began := map[int]bool{}
	for i := range w.all {
		began[i] = w.open(i)
	}
	last, shown := -1, map[int]bool{}
	for cursor, first := "", true; first || cursor != ""; first = false {
		page, next, err := w.store.Page(ctx, w.device, cursor, limit)
		if err != nil {
			return err
		}
		if len(page) > limit || next != "" && len(page) < limit {
			return fmt.Errorf("a page of %d has %d items, and the cursor %q", limit, len(page), next)
		}
		for _, m := range page {
			i := slices.IndexFunc(w.all, func(each messaging.Message) bool { return each.Conversation == m.Conversation && each.Seq == m.Seq })
			switch {
			case i < 0 || !w.open(i):
				return fmt.Errorf("number %d of %s was not put, or is acknowledged", m.Seq, m.Conversation)
			case i <= last:
				return fmt.Errorf("number %d of %s comes behind number %d of %s", m.Seq, m.Conversation, w.all[last].Seq, w.all[last].Conversation)
			}
			last, shown[i] = i, true
		}
		cursor = next
		if cursor != "" {
			if err := w.change(ctx, t); err != nil {
				return err
			}
		}
	}
	for i, m := range w.all {
		if began[i] && w.open(i) && !shown[i] {
			return fmt.Errorf("number %d of %s is in no page", m.Seq, m.Conversation)
		}
	}
	return nil
}

func comingAndGoing(t *testing.T, store inbox) {
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		w := newWalk(store)
		for range rapid.IntRange(1, 3).Draw(t, "times") {
			for range rapid.IntRange(1, 6).Draw(t, "changes") {
				if err := w.change(ctx, t); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.read(ctx, t, rapid.IntRange(1, 9).Draw(t, "limit")); err != nil {
				t.Fatal(err)
			}
		}
	})
}

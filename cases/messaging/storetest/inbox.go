package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"designkits/cases/messaging"
)

// inbox is an Inbox and the Receipts that empty it.
type inbox struct {
	messaging.Inbox
	receipts messaging.Receipts
}

// Inbox runs the contract of a messaging.Inbox.
func Inbox(t *testing.T, open func(t *testing.T) (messaging.Inbox, messaging.Receipts)) {
	opened := func(t *testing.T) (i inbox) {
		i.Inbox, i.receipts = open(t)
		return i
	}
	t.Run("a device finds its items, oldest day first, with its own bodies", func(t *testing.T) { itemsInOrder(t, opened(t)) })
	t.Run("pages hold each item once", func(t *testing.T) { pages(t, opened(t)) })
	t.Run("what is acknowledged is gone", func(t *testing.T) { acknowledged(t, opened(t)) })
	t.Run("no page shows whether what is acknowledged was dropped", func(t *testing.T) { dropped(t, opened(t)) })
	t.Run("an acknowledged item stays gone when it is put again", func(t *testing.T) { putAfter(t, opened(t)) })
	t.Run("a lower acknowledgement brings nothing back", func(t *testing.T) { lowerLater(t, opened(t)) })
	t.Run("of days long past nothing is lost", func(t *testing.T) { oldDays(t, opened(t)) })
	t.Run("whatever comes and goes between pages, each item that stays is in one of them", func(t *testing.T) { comingAndGoing(t, opened(t)) })
	t.Run("an inbox is one device's", func(t *testing.T) { oneDevice(t, opened(t)) })
	t.Run("what is forgotten leaves its place, and comes back by no put", func(t *testing.T) { forgottenItems(t, opened(t)) })
	t.Run("a cursor that no page has ended with is refused", func(t *testing.T) {
		store := opened(t)
		for _, cursor := range []string{"x", "1/2/3", "1/" + string(newGroup()) + "/", "/" + string(newGroup()) + "/1", "1/" + string(newGroup()) + "/0", "99999999999/" + string(newGroup()) + "/1"} {
			if _, _, err := store.Page(testContext(t), newDevice(), cursor, 10); !isInvalid(err) {
				t.Errorf("cursor %q: got %v, wanted *Invalid", cursor, err)
			}
		}
		if _, _, err := store.Page(testContext(t), newDevice(), "", 0); !isInvalid(err) {
			t.Errorf("a page of none: got %v, wanted *Invalid", err)
		}
	})
	t.Run("a call ends with its context", func(t *testing.T) {
		store := opened(t)
		wantEnd(t, func(ctx context.Context) error { _, _, err := store.Page(ctx, newDevice(), "", 10); return err })
	})
}

// items are messages as they stand in the inbox of a device, all on the day that
// was so many days ago.
func items(a messaging.Address, daysAgo int, messages ...messaging.Message) (all []messaging.Item) {
	for _, m := range messages {
		m.At = m.At.AddDate(0, 0, -daysAgo)
		m.Body = messaging.Body{Shared: m.Body.Shared, To: map[messaging.Address][]byte{a: []byte("for " + a.String())}}
		all = append(all, messaging.Item{Device: a, Message: m})
	}
	return all
}

func messagesOf(items []messaging.Item) (all []messaging.Message) {
	for _, item := range items {
		all = append(all, item.Message)
	}
	return all
}

// allPages reads the whole inbox in pages of a size.
func allPages(t *testing.T, store inbox, a messaging.Address, limit int) (all []messaging.Message) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := store.Page(testContext(t), a, cursor, limit)
		must(t, err)
		all = append(all, page...)
		if next == "" {
			return all
		}
		if len(page) != limit || next == cursor {
			t.Fatalf("a page of %d has %d items and the cursor %q after %q", limit, len(page), next, cursor)
		}
		cursor = next
	}
}

// twoConversations are new, in the order in which a day has them.
func twoConversations() (first, second messaging.ConversationID) {
	first, second = newGroup(), newGroup()
	return min(first, second), max(first, second)
}

func itemsInOrder(t *testing.T, store inbox) {
	a := newDevice()
	first, second := twoConversations()
	want := items(a, 2, messages(second, 1, 3)...)
	want = append(want, items(a, 1, messages(first, 1, 2)...)...)
	want = append(want, items(a, 1, messages(second, 4, 5)...)...)
	all := slices.Clone(want)
	// Who puts may give the bodies of all; the device gets its own.
	all[0].Message.Body.To = map[messaging.Address][]byte{a: want[0].Message.Body.To[a], newDevice(): []byte("another's")}
	slices.Reverse(all)
	must(t, store.Put(testContext(t), all))
	must(t, store.Put(testContext(t), all))
	wantEqual(t, "the inbox", allPages(t, store, a, 100), messagesOf(want))
}

func pages(t *testing.T, store inbox) {
	a := newDevice()
	first, second := twoConversations()
	want := items(a, 3, messages(first, 1, 5)...)
	want = append(want, items(a, 3, messages(second, 1, 2)...)...)
	want = append(want, items(a, 0, messages(first, 6, 9)...)...)
	must(t, store.Put(testContext(t), want))
	for limit := 1; limit <= 12; limit++ {
		wantEqual(t, "the inbox in pages", allPages(t, store, a, limit), messagesOf(want))
	}
}

func acknowledge(ctx context.Context, store inbox, a messaging.Address, c messaging.ConversationID, upTo messaging.Seq) error {
	return store.receipts.Put(ctx, []messaging.Receipt{{Conversation: c, Device: a, Delivered: upTo}})
}

func acknowledged(t *testing.T, store inbox) {
	ctx, a := testContext(t), newDevice()
	first, second := twoConversations()
	all := items(a, 0, messages(first, 1, 5)...)
	all = append(all, items(a, 0, messages(second, 1, 3)...)...)
	must(t, store.Put(ctx, all))
	must(t, acknowledge(ctx, store, a, first, 3))
	must(t, acknowledge(ctx, store, a, second, 0))
	wantEqual(t, "after an acknowledgement", allPages(t, store, a, 2), messagesOf(all[3:]))
	must(t, store.receipts.Put(ctx, []messaging.Receipt{{Conversation: first, Device: a, Delivered: 5}, {Conversation: second, Device: a, Delivered: 100}}))
	if got := allPages(t, store, a, 2); len(got) != 0 {
		t.Errorf("after all was acknowledged the inbox has %+v", got)
	}
}

func dropped(t *testing.T, store inbox) {
	ctx, a, c := testContext(t), newDevice(), newGroup()
	var all []messaging.Item
	for daysAgo := range 2 {
		seq := messaging.Seq(6 - 3*daysAgo)
		all = append(items(a, daysAgo, messages(c, seq-2, seq)...), all...)
	}
	must(t, store.Put(ctx, all))
	acknowledged := []messaging.Receipt{{Conversation: c, Device: a, Delivered: 5}, {Conversation: newGroup(), Device: a}}
	must(t, store.receipts.Put(ctx, acknowledged))
	for range 2 {
		must(t, store.Drop(ctx, acknowledged))
		must(t, store.Put(ctx, all))
		wantEqual(t, "what isn't acknowledged", allPages(t, store, a, 2), messagesOf(all[5:]))
	}
	must(t, store.Drop(ctx, nil))
}

func putAfter(t *testing.T, store inbox) {
	ctx, a := testContext(t), newDevice()
	c := newGroup()
	for _, daysAgo := range []int{0, 1, 20} {
		must(t, acknowledge(ctx, store, a, c, 3))
		all := items(a, daysAgo, messages(c, 1, 4)...)
		must(t, store.Put(ctx, all))
		wantEqual(t, "items put after they were acknowledged", allPages(t, store, a, 10), messagesOf(all[3:]))
		must(t, acknowledge(ctx, store, a, c, 4))
		must(t, store.Put(ctx, all))
		if got := allPages(t, store, a, 10); len(got) != 0 {
			t.Errorf("%d days ago: put again, the inbox has %+v", daysAgo, got)
		}
		c = newGroup()
	}
}

func lowerLater(t *testing.T, store inbox) {
	ctx, a, c := testContext(t), newDevice(), newGroup()
	all := items(a, 4, messages(c, 1, 6)...)
	must(t, store.Put(ctx, all))
	for _, err := range together(20, func(i int) error { return acknowledge(ctx, store, a, c, messaging.Seq(i%5+1)) }) {
		must(t, err)
	}
	must(t, acknowledge(ctx, store, a, c, 2))
	must(t, store.Put(ctx, all))
	wantEqual(t, "the rest", allPages(t, store, a, 10), messagesOf(all[5:]))
}

// A device that was away as long as it may be; and one that has got rid of old
// days, to which an item comes late.
func oldDays(t *testing.T, store inbox) {
	ctx, a, c := testContext(t), newDevice(), newGroup()
	days := int(messaging.InboxFor / (24 * time.Hour))
	var all []messaging.Item
	for daysAgo := days - 1; daysAgo >= 0; daysAgo-- {
		seq := messaging.Seq(3 * (days - daysAgo))
		all = append(all, items(a, daysAgo, messages(c, seq, seq+2)...)...)
	}
	must(t, store.Put(ctx, all))
	wantEqual(t, "the inbox after so many days", allPages(t, store, a, 7), messagesOf(all))
	last := all[len(all)-1].Message.Seq
	must(t, acknowledge(ctx, store, a, c, last))
	for range 3 { // the first drops what is acknowledged, the second finds the days empty
		if got := allPages(t, store, a, 7); len(got) != 0 {
			t.Fatalf("after all was acknowledged the inbox has %+v", got)
		}
	}
	late := items(a, 10, messages(c, last+1, last+1)...)
	must(t, store.Put(ctx, late))
	for range 3 {
		wantEqual(t, "an item that came late", allPages(t, store, a, 7), messagesOf(late))
	}
}

func oneDevice(t *testing.T, store inbox) {
	ctx, a, c := testContext(t), newDevice(), newGroup()
	other := messaging.Address{User: a.User, Device: 2}
	both := messages(c, 1, 2)
	mine, others := items(a, 0, both...), items(other, 0, both...)
	must(t, store.Put(ctx, slices.Concat(mine, others)))
	must(t, acknowledge(ctx, store, a, c, 1))
	wantEqual(t, "the one's inbox", allPages(t, store, a, 10), messagesOf(mine[1:]))
	wantEqual(t, "the other's inbox", allPages(t, store, other, 10), messagesOf(others))
	if got := allPages(t, store, newDevice(), 10); len(got) != 0 {
		t.Errorf("a new device has %+v", got)
	}
}

func forgottenItems(t *testing.T, store inbox) {
	ctx, c := testContext(t), newGroup()
	a, other, late := newDevice(), newDevice(), newDevice()
	said := messages(c, 1, 3)
	for i := range said {
		said[i].At = said[i].At.AddDate(0, 0, -5)
	}
	of := func(a messaging.Address) []messaging.Item { return items(a, 0, said...) }
	must(t, store.Put(ctx, slices.Concat(of(a), of(other))))
	must(t, acknowledge(ctx, store, other, c, 2))
	for range 2 {
		must(t, store.Forget(ctx, []messaging.Address{a, other, late}, said[1]))
		must(t, store.Put(ctx, slices.Concat(of(a), of(late))))
	}
	must(t, store.Forget(ctx, nil, said[0]))
	for _, device := range []messaging.Address{a, late} {
		want := messagesOf(of(device))
		want[1].Body = messaging.Body{}
		wantEqual(t, "the inbox without the body", allPages(t, store, device, 2), want)
	}
	wantEqual(t, "that of who had acknowledged it", allPages(t, store, other, 2), messagesOf(of(other)[2:]))
}

package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"designkits/cases/messaging"
)

// Receipts runs the contract of a messaging.Receipts.
func Receipts(t *testing.T, open func(t *testing.T) messaging.Receipts) {
	t.Run("receipts are found by their conversation", func(t *testing.T) { ofConversations(t, open(t)) })
	t.Run("a lower number changes nothing, whenever it comes", func(t *testing.T) { onlyGrow(t, open(t)) })
	t.Run("what never was is empty", func(t *testing.T) {
		store := open(t)
		must(t, store.Put(testContext(t), nil))
		if got, err := store.Of(testContext(t), newGroup(), 10); err != nil || len(got) != 0 {
			t.Errorf("of a conversation: got %+v, %v, wanted none", got, err)
		}
		if _, err := store.Of(testContext(t), newGroup(), 0); !isInvalid(err) {
			t.Errorf("a page of none: got %v, wanted *Invalid", err)
		}
	})
	t.Run("a call ends with its context", func(t *testing.T) {
		store := open(t)
		wantEnd(t, func(ctx context.Context) error { _, err := store.Of(ctx, newGroup(), 10); return err })
	})
}

func sorted(receipts []messaging.Receipt) []messaging.Receipt {
	slices.SortFunc(receipts, func(a, b messaging.Receipt) int {
		return strings.Compare(a.Device.String()+string(a.Conversation), b.Device.String()+string(b.Conversation))
	})
	return receipts
}

func wantReceipts(t *testing.T, store messaging.Receipts, want ...messaging.Receipt) {
	t.Helper()
	byConversation := map[messaging.ConversationID][]messaging.Receipt{}
	for _, r := range want {
		byConversation[r.Conversation] = append(byConversation[r.Conversation], r)
	}
	for c, of := range byConversation {
		got, err := store.Of(testContext(t), c, 1000)
		must(t, err)
		wantEqual(t, "of a conversation", sorted(got), sorted(of))
	}
}

func ofConversations(t *testing.T, store messaging.Receipts) {
	ctx, ana := testContext(t), newDevice()
	second, ben := messaging.Address{User: ana.User, Device: 2}, newDevice()
	group, direct := newGroup(), messaging.DirectID(ana.User, ben.User)
	all := []messaging.Receipt{
		{Conversation: group, Device: ana, Delivered: 5, Read: 3},
		{Conversation: group, Device: second, Delivered: 4},
		{Conversation: group, Device: ben, Read: 2},
		{Conversation: direct, Device: ana, Delivered: 1, Read: 1},
		{Conversation: direct, Device: ben, Delivered: 7, Read: 7},
	}
	must(t, store.Put(ctx, all))
	must(t, store.Put(ctx, all))
	wantReceipts(t, store, all...)
	got, err := store.Of(ctx, group, 2)
	if err != nil || len(got) != 2 {
		t.Errorf("at most two: got %+v, %v", got, err)
	}
}

func onlyGrow(t *testing.T, store messaging.Receipts) {
	ctx, a, c := testContext(t), newDevice(), newGroup()
	const highest = 60
	for _, err := range together(highest, func(i int) error {
		n := messaging.Seq(i*37%highest + 1) // each once, mixed
		return store.Put(ctx, []messaging.Receipt{{Conversation: c, Device: a, Delivered: n, Read: n / 2}})
	}) {
		must(t, err)
	}
	want := messaging.Receipt{Conversation: c, Device: a, Delivered: highest, Read: highest / 2}
	wantReceipts(t, store, want)
	must(t, store.Put(ctx, []messaging.Receipt{{Conversation: c, Device: a, Delivered: 1, Read: 1}, {Conversation: c, Device: a}}))
	wantReceipts(t, store, want)
}

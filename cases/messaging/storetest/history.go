package storetest

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"designkits/cases/messaging"
)

// History runs the contract of a messaging.History.
func History(t *testing.T, open func(t *testing.T) messaging.History) {
	t.Run("messages are found as they were put", func(t *testing.T) { asPut(t, open(t)) })
	t.Run("a range is in order, whatever order the messages came in", func(t *testing.T) { ranges(t, open(t)) })
	t.Run("a range goes over the ends of buckets", func(t *testing.T) { overBuckets(t, open(t)) })
	t.Run("the newest are the newest", func(t *testing.T) { newest(t, open(t)) })
	t.Run("a forgotten message has its place and no bodies", func(t *testing.T) { forgotten(t, open(t)) })
	t.Run("what never was is empty", func(t *testing.T) { neverWas(t, open(t)) })
	t.Run("many put at once", func(t *testing.T) { manyPut(t, open(t)) })
	t.Run("a call ends with its context", func(t *testing.T) {
		store := open(t)
		wantEnd(t, func(ctx context.Context) error { return store.Put(ctx, messages(newGroup(), 1, 1)) })
	})
}

func asPut(t *testing.T, store messaging.History) {
	ctx, c := testContext(t), newGroup()
	sender, receiver := newDevice(), newDevice()
	all := messages(c, 1, 3)
	all[0] = messaging.Message{Draft: messaging.Draft{Conversation: c, ID: "created-00000001", Sender: sender, Kind: messaging.Created,
		Users: []messaging.UserID{receiver.User, messaging.NewUserID()}, Title: "Nüsse & Bären"}, Seq: 1, At: now()}
	all[2].Kind, all[2].Target, all[2].Body = messaging.Deleted, 2, messaging.Body{}
	large := message(c, 4, sender, receiver)
	large.Body = messaging.Body{Shared: slices.Repeat([]byte{0, 255}, messaging.MaxBody/2)}
	all = append(all, large)
	must(t, store.Put(ctx, all))
	must(t, store.Put(ctx, all))
	got, err := store.Range(ctx, c, 1, 4, 10)
	must(t, err)
	wantEqual(t, "the messages", got, all)
}

func ranges(t *testing.T, store messaging.History) {
	ctx, c := testContext(t), newGroup()
	all := messages(c, 1, 40)
	mixed := slices.Clone(all)
	rand.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	for some := range slices.Chunk(mixed, 7) {
		must(t, store.Put(ctx, some))
	}
	for _, r := range []struct {
		from, to messaging.Seq
		limit    int
		want     []messaging.Message
	}{
		{1, 40, 100, all}, {5, 9, 100, all[4:9]}, {7, 7, 1, all[6:7]}, {1, 40, 12, all[:12]},
		{-3, 2, 100, all[:2]}, {39, 1 << 60, 100, all[38:]}, {41, 50, 10, nil}, {9, 5, 10, nil},
	} {
		got, err := store.Range(ctx, c, r.from, r.to, r.limit)
		must(t, err)
		if len(got) != 0 || len(r.want) != 0 {
			wantEqual(t, "the range", got, r.want)
		}
	}
	for _, call := range []func() error{
		func() error { _, err := store.Range(ctx, c, 1, 2, 0); return err },
		func() error { _, err := store.Last(ctx, c, 0); return err },
	} {
		if err := call(); !isInvalid(err) {
			t.Errorf("a page of none: got %v, wanted *Invalid", err)
		}
	}
}

func overBuckets(t *testing.T, store messaging.History) {
	ctx, c := testContext(t), newGroup()
	const last = 2*messaging.BucketSize + 10
	all := messages(c, 1, last)
	must(t, store.Put(ctx, all))
	got, err := store.Range(ctx, c, messaging.BucketSize-5, 1<<60, messaging.BucketSize+10)
	must(t, err)
	wantEqual(t, "over two ends", got, all[messaging.BucketSize-6:2*messaging.BucketSize+4])
	got, err = store.Last(ctx, c, 20)
	must(t, err)
	wantEqual(t, "the newest over an end", got, all[last-20:])
	// What comes late doesn't hide what is newer.
	must(t, store.Put(ctx, all[:3]))
	got, err = store.Last(ctx, c, 1)
	must(t, err)
	wantEqual(t, "the newest after a repeated put", got, all[last-1:])
}

func newest(t *testing.T, store messaging.History) {
	ctx, c := testContext(t), newGroup()
	all := messages(c, 1, 30)
	must(t, store.Put(ctx, all))
	for limit, want := range map[int][]messaging.Message{1: all[29:], 10: all[20:], 100: all} {
		got, err := store.Last(ctx, c, limit)
		must(t, err)
		wantEqual(t, "the newest", got, want)
	}
}

func forgotten(t *testing.T, store messaging.History) {
	ctx, c := testContext(t), newGroup()
	all := messages(c, 1, 3)
	must(t, store.Put(ctx, all[:2]))
	must(t, store.Forget(ctx, c, 2))
	must(t, store.Forget(ctx, c, 3)) // before it is there
	must(t, store.Put(ctx, all))
	want := slices.Clone(all)
	want[1].Body, want[2].Body = messaging.Body{}, messaging.Body{}
	got, err := store.Range(ctx, c, 1, 3, 10)
	must(t, err)
	wantEqual(t, "after forgetting two", got, want)
}

func neverWas(t *testing.T, store messaging.History) {
	ctx, c := testContext(t), newGroup()
	must(t, store.Put(ctx, nil))
	must(t, store.Forget(ctx, c, 1))
	got, err := store.Range(ctx, c, 1, 1<<60, 10)
	if err != nil || len(got) != 0 {
		t.Errorf("range: got %v, %v, wanted none", got, err)
	}
	got, err = store.Last(ctx, c, 10)
	if err != nil || len(got) != 0 {
		t.Errorf("newest: got %v, %v, wanted none", got, err)
	}
}

func manyPut(t *testing.T, store messaging.History) {
	ctx := testContext(t)
	const callers, each = 40, 25
	conversations := make([]messaging.ConversationID, callers)
	for i, err := range together(callers, func(i int) error {
		conversations[i] = newGroup()
		for _, m := range messages(conversations[i], 1, each) {
			if err := store.Put(ctx, []messaging.Message{m}); err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
		got, err := store.Last(ctx, conversations[i], each+1)
		must(t, err)
		if len(got) != each {
			t.Fatalf("%s has the messages %v, wanted 1 to %d", conversations[i], numbers(got), each)
		}
	}
}

package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"designkits/cases/messaging"
)

// Rosters runs the contract of a messaging.Rosters.
func Rosters(t *testing.T, open func(t *testing.T) messaging.Rosters) {
	t.Run("a roster is found as it was created", func(t *testing.T) { rosterAsCreated(t, open(t)) })
	t.Run("there is none of an unknown conversation", func(t *testing.T) {
		_, err := open(t).Roster(testContext(t), newGroup())
		wantError(t, "roster", err, messaging.ErrNotFound)
	})
	t.Run("the newest change of a member wins, in whatever order they come", func(t *testing.T) { changes(t, open(t)) })
	t.Run("creating again undoes no change", func(t *testing.T) { createAgain(t, open(t)) })
	t.Run("a person finds the conversations they are in, page by page", func(t *testing.T) { conversationsOf(t, open(t)) })
	t.Run("a channel of thousands comes back whole", func(t *testing.T) { largeChannel(t, open(t)) })
	t.Run("a call ends with its context", func(t *testing.T) {
		store := open(t)
		wantEnd(t, func(ctx context.Context) error { _, err := store.Roster(ctx, newGroup()); return err })
	})
}

// newRoster is one as the message Created makes it.
func newRoster(c messaging.ConversationID, title string, creator messaging.UserID, users ...messaging.UserID) messaging.Roster {
	var r messaging.Roster
	r.Apply(messaging.Message{Draft: messaging.Draft{Conversation: c, Kind: messaging.Created, Title: title,
		Sender: messaging.Address{User: creator, Device: 1}, Users: users}, Seq: 1, At: now()})
	return r
}

func wantRoster(t *testing.T, store messaging.Rosters, want messaging.Roster) {
	t.Helper()
	got, err := store.Roster(testContext(t), want.ID)
	must(t, err)
	wantEqual(t, "the roster", *got, want)
}

func rosterAsCreated(t *testing.T, store messaging.Rosters) {
	ana, ben, eve := messaging.NewUserID(), messaging.NewUserID(), messaging.NewUserID()
	for _, r := range []messaging.Roster{
		newRoster(messaging.DirectID(ana, ben), "", ana, ben),
		newRoster(newGroup(), "Bergtour", ana, ben, eve),
		newRoster(messaging.NewConversationID(messaging.Channel), "News", eve),
	} {
		must(t, store.Create(testContext(t), r))
		must(t, store.Create(testContext(t), r))
		wantRoster(t, store, r)
	}
}

// change applies a message to the roster and returns what it has changed.
func change(r *messaging.Roster, kind messaging.MessageKind, seq messaging.Seq, u messaging.UserID) []messaging.Membership {
	r.Apply(messaging.Message{Draft: messaging.Draft{Conversation: r.ID, Kind: kind, Users: []messaging.UserID{u}}, Seq: seq})
	return []messaging.Membership{r.Members[u]}
}

func changes(t *testing.T, store messaging.Rosters) {
	ctx := testContext(t)
	ana, ben, eve := messaging.NewUserID(), messaging.NewUserID(), messaging.NewUserID()
	r := newRoster(newGroup(), "Comings and goings", ana, ben)
	must(t, store.Create(ctx, r))
	type step struct {
		by      messaging.Seq
		changed []messaging.Membership
	}
	var steps []step
	for i, s := range []struct {
		kind messaging.MessageKind
		user messaging.UserID
	}{{messaging.Added, eve}, {messaging.Removed, ben}, {messaging.Added, ben}, {messaging.Removed, eve}} {
		by := messaging.Seq(10 * (i + 1))
		steps = append(steps, step{by, change(&r, s.kind, by, s.user)})
	}
	for range 5 { // each order is as good as another, and so is each number of times
		rand.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		for _, s := range steps {
			must(t, store.Change(ctx, r.ID, s.changed, s.by))
		}
	}
	wantRoster(t, store, r)
	for user, want := range map[messaging.UserID]int{ana: 1, ben: 1, eve: 0} {
		got, _, err := store.Of(ctx, user, "", 10)
		if err != nil || len(got) != want {
			t.Errorf("%s is in %+v (%v), wanted %d conversations", user, got, err, want)
		}
	}
	if err := store.Change(ctx, r.ID, steps[0].changed, 0); !isInvalid(err) {
		t.Errorf("a change by no message: got %v, wanted *Invalid", err)
	}
}

func createAgain(t *testing.T, store messaging.Rosters) {
	ctx := testContext(t)
	ana, ben := messaging.NewUserID(), messaging.NewUserID()
	created := newRoster(newGroup(), "Once", ana, ben)
	r := newRoster(created.ID, created.Title, ana, ben)
	r.Created = created.Created
	must(t, store.Create(ctx, created))
	must(t, store.Change(ctx, r.ID, change(&r, messaging.Removed, 2, ben), 2))
	must(t, store.Create(ctx, created))
	wantRoster(t, store, r)
	if got, _, err := store.Of(ctx, ben, "", 10); err != nil || len(got) != 0 {
		t.Errorf("who was removed is in %+v (%v)", got, err)
	}
}

func conversationsOf(t *testing.T, store messaging.Rosters) {
	ctx, ana := testContext(t), messaging.NewUserID()
	var want []messaging.Conversation
	for i := range 7 {
		r := newRoster(newGroup(), fmt.Sprintf("Group %d", i), messaging.NewUserID(), ana)
		must(t, store.Create(ctx, r))
		want = append(want, r.Conversation)
	}
	eve := messaging.NewUserID()
	if got, err := store.Count(ctx, []messaging.UserID{eve, ana}); err != nil || !slices.Equal(got, []int{0, 7}) {
		t.Errorf("counted were %v (%v), wanted 0 and 7", got, err)
	}
	slices.SortFunc(want, func(a, b messaging.Conversation) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for limit := 1; limit <= 8; limit++ {
		var got []messaging.Conversation
		for cursor := ""; ; {
			page, next, err := store.Of(ctx, ana, cursor, limit)
			must(t, err)
			got = append(got, page...)
			if next == "" {
				break
			}
			cursor = next
		}
		wantEqual(t, "the conversations", got, want)
	}
	if _, _, err := store.Of(ctx, ana, "nonsense", 1); !isInvalid(err) {
		t.Errorf("a cursor that is none: got %v, wanted *Invalid", err)
	}
	if _, _, err := store.Of(ctx, ana, "", 0); !isInvalid(err) {
		t.Errorf("a page of none: got %v, wanted *Invalid", err)
	}
}

func largeChannel(t *testing.T, store messaging.Rosters) {
	users := make([]messaging.UserID, 3000)
	for i := range users {
		users[i] = messaging.NewUserID()
	}
	r := newRoster(messaging.NewConversationID(messaging.Channel), "Thousands", messaging.NewUserID(), users...)
	must(t, store.Create(testContext(t), r))
	wantRoster(t, store, r)
}

package storetest

import (
	"context"
	"fmt"
	"maps"
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
	t.Run("a roster comes in pages, and nobody is left out by who comes and goes meanwhile", func(t *testing.T) { rosterInPages(t, open(t)) })
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

// pagesOf reads a roster in pages of at most limit, and does something between two.
func pagesOf(t *testing.T, store messaging.Rosters, c messaging.Conversation, limit int, between func()) (all []messaging.Membership) {
	t.Helper()
	for after := messaging.UserID(""); ; between() {
		page, err := store.Page(testContext(t), c.ID, after, limit)
		must(t, err)
		wantEqual(t, "the page's conversation", page.Conversation, c)
		all = append(all, page.Members...)
		if len(page.Members) > limit || page.More && len(page.Members) < limit {
			t.Fatalf("a page of at most %d has %d, more %v", limit, len(page.Members), page.More)
		}
		if !page.More {
			return all
		}
		after = page.Members[limit-1].User
	}
}

func rosterInPages(t *testing.T, store messaging.Rosters) {
	ctx := testContext(t)
	users := make([]messaging.UserID, 40)
	for i := range users {
		users[i] = messaging.NewUserID()
	}
	for _, r := range []messaging.Roster{
		newRoster(newGroup(), "Forty", messaging.NewUserID(), users...),
		newRoster(messaging.DirectID(users[0], users[1]), "", users[0], users[1]),
	} {
		must(t, store.Create(ctx, r))
		whole := pagesOf(t, store, r.Conversation, 100, func() {})
		if len(whole) != len(r.Members) {
			t.Errorf("a page has %d of %d members", len(whole), len(r.Members))
		}
		for _, limit := range []int{1, 7, len(r.Members) - 1, len(r.Members)} {
			wantEqual(t, fmt.Sprintf("in pages of %d", limit), pagesOf(t, store, r.Conversation, limit, func() {}), whole)
		}
		for _, m := range whole {
			wantEqual(t, "a member", m, r.Members[m.User])
		}
	}
	// One goes and two come between each two pages.
	r, seq, gone := newRoster(newGroup(), "A hall", messaging.NewUserID(), users...), messaging.Seq(1), 0
	must(t, store.Create(ctx, r))
	were := slices.Collect(maps.Keys(r.Members))
	all := pagesOf(t, store, r.Conversation, 9, func() {
		for _, step := range []struct {
			kind messaging.MessageKind
			user messaging.UserID
		}{{messaging.Removed, users[gone]}, {messaging.Added, messaging.NewUserID()}, {messaging.Added, messaging.NewUserID()}} {
			seq++
			must(t, store.Change(ctx, r.ID, change(&r, step.kind, seq, step.user), seq))
		}
		gone++
	})
	times := map[messaging.UserID]int{}
	for _, m := range all {
		times[m.User]++
	}
	for _, u := range were {
		if times[u] != 1 {
			t.Errorf("%s was there all the time, and is on %d pages", u, times[u])
		}
	}
	if page, err := store.Page(ctx, r.ID, all[len(all)-1].User, 100); err != nil || page.More {
		t.Errorf("behind the last: %+v, %v", page, err)
	}
	for name, call := range map[string]func() error{
		"a place that is none": func() error { _, err := store.Page(ctx, r.ID, "u0", 9); return err },
		"a page of none":       func() error { _, err := store.Page(ctx, r.ID, "", 0); return err },
	} {
		if err := call(); !isInvalid(err) {
			t.Errorf("%s: got %v, wanted *Invalid", name, err)
		}
	}
	_, err := store.Page(ctx, newGroup(), "", 9)
	wantError(t, "a page of an unknown conversation", err, messaging.ErrNotFound)
}

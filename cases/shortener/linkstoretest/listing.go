package linkstoretest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"designkits/cases/shortener"
)

// list reads all pages of an owner's links.
func list(t *testing.T, store shortener.LinkStore, owner shortener.Owner, pageSize int) (all []shortener.Link) {
	t.Helper()
	ctx := testContext(t)
	for cursor := ""; ; {
		page, next, err := store.ByOwner(ctx, owner, cursor, pageSize)
		if err != nil {
			t.Fatalf("list %s: %v", owner, err)
		}
		if len(page) > pageSize || next != "" && len(page) != pageSize {
			t.Fatalf("a page of %d links, next %q, with a limit of %d", len(page), next, pageSize)
		}
		all = append(all, page...)
		if next == "" {
			return all
		}
		cursor = next
	}
}

func listing(t *testing.T, open Open) {
	store := open(t, longGrace)
	owner := newOwner()
	var want []shortener.Link
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, created := range []time.Time{now, now.AddDate(0, -1, 0), now.AddDate(0, -4, 0), now.AddDate(-2, 0, 0)} {
		for i := range 6 {
			l := newLink(newCode())
			l.Owner = owner
			l.Created = created.Add(-time.Duration(i/2) * time.Millisecond) // two at a time in one millisecond
			put(t, store, l)
			want = append(want, l)
		}
	}
	alias := newLink(newAlias())
	alias.Owner = owner
	alias.Created = now.Add(time.Millisecond)
	claim(t, store, alias)
	want = append(want, alias)
	stranger := newLink(newCode())
	put(t, store, stranger)

	newestFirst := func(a, b shortener.Link) int { return b.Created.Compare(a.Created) }
	slices.SortStableFunc(want, newestFirst)
	byCode := func(links []shortener.Link) map[shortener.Code]shortener.Link {
		m := map[shortener.Code]shortener.Link{}
		for _, l := range links {
			m[l.Code] = l
		}
		return m
	}
	for _, pageSize := range []int{1, 4, 5, 24, 25, 26, 100} {
		got := list(t, store, owner, pageSize)
		if !slices.IsSortedFunc(got, newestFirst) {
			t.Errorf("pages of %d are not newest first: %+v", pageSize, got)
		}
		found := byCode(got)
		if len(got) != len(want) || len(found) != len(want) {
			t.Errorf("pages of %d have %d links, %d different ones, wanted %d", pageSize, len(got), len(found), len(want))
		}
		for code, l := range byCode(want) {
			if found[code] != l {
				t.Errorf("pages of %d: %q is %+v, wanted %+v", pageSize, code, found[code], l)
			}
		}
	}
}

func listingOfGone(t *testing.T, open Open) {
	store, short := open(t, longGrace), open(t, time.Minute)
	owner := newOwner()
	now := time.Now().UTC().Truncate(time.Millisecond)
	var kept []shortener.Code
	for i := range 60 {
		l := newLink(newCode())
		l.Owner = owner
		l.Created = now.Add(-time.Duration(i)*time.Second).AddDate(0, 0, -1)
		if i%3 == 1 {
			l.Expires = now.Add(-5 * time.Minute)
		}
		put(t, store, l)
		switch i % 3 {
		case 0:
			if _, err := store.Delete(testContext(t), l.Code, anybody); err != nil {
				t.Fatal(err)
			}
		case 2:
			kept = append(kept, l.Code)
		}
	}
	for range 2 { // the first listing may tidy up; the second must see the same
		var got []shortener.Code
		for _, l := range list(t, short, owner, 7) {
			got = append(got, l.Code)
		}
		if !slices.Equal(got, kept) {
			t.Errorf("got %v, wanted %v", got, kept)
		}
	}
}

func unknownCursor(t *testing.T, open Open) {
	store := open(t, longGrace)
	for _, cursor := range []string{"nonsense", "!!", "LjE", "YWJj"} {
		var invalid *shortener.Invalid
		if _, _, err := store.ByOwner(testContext(t), newOwner(), cursor, 10); !errors.As(err, &invalid) || invalid.Field != "cursor" {
			t.Errorf("cursor %q: got %v, wanted a *Invalid", cursor, err)
		}
	}
	if links, next, err := store.ByOwner(testContext(t), newOwner(), "", 10); err != nil || len(links) != 0 || next != "" {
		t.Errorf("an owner without links has %v, next %q (%v)", links, next, err)
	}
}

package linkstoretest

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"designkits/cases/shortener"
)

func updateRace(t *testing.T, open Open) {
	for _, code := range []shortener.Code{newCode(), newAlias()} {
		stores := []shortener.LinkStore{open(t, longGrace), open(t, longGrace)}
		l := newLink(code)
		l.Target = "https://example.com/"
		if code.Generated() {
			put(t, stores[0], l)
		} else {
			claim(t, stores[0], l)
		}
		const writers, each = 10, 5
		ctx := testContext(t)
		// On a machine that is too busy a store may not be able to tell whether
		// an update was applied, and says so. One that it acknowledged counts.
		var acknowledged, unknown atomic.Int64
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for range each {
					_, err := stores[w%2].Update(ctx, code, func(l *shortener.Link) error { l.Target += "x"; return nil })
					if err != nil {
						unknown.Add(1)
						t.Logf("update: %v", err)
						continue
					}
					acknowledged.Add(1)
				}
			})
		}
		all.Wait()
		got := get(t, stores[0], code)
		n := int64(strings.Count(got.Target, "x") - strings.Count(l.Target, "x"))
		if n < acknowledged.Load() || n > acknowledged.Load()+unknown.Load() || got.Version != 1+n {
			t.Errorf("%q: %d updates were acknowledged and %d are in doubt, but %d are in the link and its version is %d",
				code, acknowledged.Load(), unknown.Load(), n, got.Version)
		}
		if unknown.Load() > writers*each/10 {
			t.Errorf("%q: %d of %d updates failed", code, unknown.Load(), writers*each)
		}
	}
}

func update(t *testing.T, open Open) {
	store := open(t, longGrace)
	ctx := testContext(t)
	for _, code := range []shortener.Code{newCode(), newAlias()} {
		l := newLink(code)
		l.Expires = l.Created.Add(time.Hour)
		if code.Generated() {
			put(t, store, l)
		} else {
			claim(t, store, l)
		}
		got, err := store.Update(ctx, code, func(l *shortener.Link) error {
			l.Code, l.Owner, l.Created, l.Version = "stolen-1", "thief", time.Unix(0, 0), 99
			l.Target, l.Expires, l.Permanent = "https://example.org/", time.Time{}, true
			return nil
		})
		want := l
		want.Target, want.Expires, want.Permanent, want.Version = "https://example.org/", time.Time{}, true, 2
		if err != nil || got != want {
			t.Errorf("update returned %+v (%v), wanted %+v", got, err, want)
		}
		if got := get(t, store, code); got != want {
			t.Errorf("update stored %+v, wanted %+v", got, want)
		}
		if links := list(t, store, l.Owner, 10); len(links) != 1 || links[0] != want {
			t.Errorf("the owner has %+v, wanted the link once, as it is now", links)
		}
	}
}

func refusedUpdate(t *testing.T, open Open) {
	store := open(t, longGrace)
	l := newLink(newCode())
	put(t, store, l)
	refused := errors.New("refused by the test")
	_, err := store.Update(testContext(t), l.Code, func(l *shortener.Link) error { l.Target = "https://example.org/"; return refused })
	if err != refused {
		t.Errorf("got %v, wanted the error of change as it was", err)
	}
	if got := get(t, store, l.Code); got != l {
		t.Errorf("the link became %+v, wanted it untouched", got)
	}
}

func refusedDelete(t *testing.T, open Open) {
	store := open(t, longGrace)
	l := newLink(newCode())
	put(t, store, l)
	refused := errors.New("refused by the test")
	_, err := store.Delete(testContext(t), l.Code, func(seen shortener.Link) error {
		if seen != l {
			t.Errorf("allowed was asked about %+v, wanted %+v", seen, l)
		}
		return refused
	})
	if err != refused {
		t.Errorf("got %v, wanted the error of allowed as it was", err)
	}
	if got := get(t, store, l.Code); got != l {
		t.Errorf("the link became %+v, wanted it untouched", got)
	}
}

func remove(t *testing.T, open Open) {
	store := open(t, longGrace)
	ctx := testContext(t)
	for _, code := range []shortener.Code{newCode(), newAlias()} {
		l := newLink(code)
		if code.Generated() {
			put(t, store, l)
		} else {
			claim(t, store, l)
		}
		if got, err := store.Delete(ctx, code, anybody); err != nil || got != l {
			t.Errorf("delete returned %+v (%v), wanted what the link was, %+v", got, err, l)
		}
		wantGone(t, store, code)
		if links := list(t, store, l.Owner, 10); len(links) != 0 {
			t.Errorf("the owner still has %+v", links)
		}
		if _, err := store.Delete(ctx, code, anybody); !errors.Is(err, shortener.ErrNotFound) {
			t.Errorf("delete again: got %v, wanted ErrNotFound", err)
		}
		if _, err := store.Update(ctx, code, func(*shortener.Link) error { return nil }); !errors.Is(err, shortener.ErrNotFound) {
			t.Errorf("update of a deleted link: got %v, wanted ErrNotFound", err)
		}
		wantGone(t, store, code)
	}
}

func deleteRace(t *testing.T, open Open) {
	store := open(t, longGrace)
	ctx := testContext(t)
	l := newLink(newCode())
	put(t, store, l)
	var found atomic.Int64
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			switch _, err := store.Delete(ctx, l.Code, anybody); {
			case err == nil:
				found.Add(1)
			case !errors.Is(err, shortener.ErrNotFound):
				t.Errorf("delete: %v", err)
			}
		})
	}
	all.Wait()
	if found.Load() != 1 {
		t.Errorf("%d deletes found the link, wanted exactly one", found.Load())
	}
}

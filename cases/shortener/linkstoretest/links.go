package linkstoretest

import (
	"context"
	"errors"
	"testing"
	"time"

	"designkits/cases/shortener"
)

func foundAsPut(t *testing.T, open Open) {
	store := open(t, longGrace)
	plain := newLink(newCode())
	full := newLink(newCode())
	full.Target = "https://example.com/%C3%A4?q=1#top"
	full.Expires = full.Created.Add(time.Hour)
	full.Permanent = true
	alias := newLink(newAlias())
	alias.Expires = alias.Created.Add(time.Hour)
	put(t, store, plain)
	put(t, store, full)
	claim(t, store, alias)
	other := open(t, longGrace)
	for _, want := range []shortener.Link{plain, full, alias} {
		if got := get(t, other, want.Code); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func unknown(t *testing.T, open Open) {
	store := open(t, longGrace)
	ctx := testContext(t)
	for _, code := range []shortener.Code{newCode(), newAlias()} {
		wantGone(t, store, code)
		change := func(*shortener.Link) error { t.Errorf("change was called for the unknown %q", code); return nil }
		if _, err := store.Update(ctx, code, change); !errors.Is(err, shortener.ErrNotFound) {
			t.Errorf("update of %q: got %v, wanted ErrNotFound", code, err)
		}
		if _, err := store.Delete(ctx, code, anybody); !errors.Is(err, shortener.ErrNotFound) {
			t.Errorf("delete of %q: got %v, wanted ErrNotFound", code, err)
		}
	}
}

func repeatedPut(t *testing.T, open Open) {
	store := open(t, longGrace)
	ctx := testContext(t)
	l := newLink(newCode())
	put(t, store, l)
	put(t, store, l)
	changed, err := store.Update(ctx, l.Code, func(l *shortener.Link) error { l.Target = "https://example.org/new"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, l)
	if got := get(t, store, l.Code); got != changed {
		t.Errorf("a put after an update left %+v, wanted %+v", got, changed)
	}
	if _, err := store.Delete(ctx, l.Code, anybody); err != nil {
		t.Fatal(err)
	}
	put(t, store, l)
	wantGone(t, store, l.Code)
	if links, _, err := store.ByOwner(ctx, l.Owner, "", 10); err != nil || len(links) != 0 {
		t.Errorf("after delete and put the owner has %+v (%v), wanted none", links, err)
	}
}

func expiry(t *testing.T, open Open) {
	long, short := open(t, longGrace), open(t, time.Minute)
	for _, store := range []func(shortener.Link){
		func(l shortener.Link) { put(t, long, l) },
		func(l shortener.Link) { l.Code = newAlias(); claim(t, long, l) },
	} {
		l := newLink(newCode())
		l.Expires = time.Now().UTC().Truncate(time.Millisecond).Add(-5 * time.Minute)
		store(l)
	}
	l := newLink(newCode())
	l.Expires = time.Now().UTC().Truncate(time.Millisecond).Add(-5 * time.Minute)
	put(t, long, l)
	if got := get(t, long, l.Code); got != l || !got.Expired(time.Now()) {
		t.Errorf("within its grace the link is %+v, wanted %+v, expired", got, l)
	}
	wantGone(t, short, l.Code)

	// One whose time runs out while it is looked at. On a machine that is so busy that
	// one of its states is missed, another has more time.
	for life := 300 * time.Millisecond; ; life *= 3 {
		sawLive, sawExpired := watched(t, open(t, life), life)
		if sawLive && sawExpired {
			return
		}
		if life > 10*time.Second {
			t.Fatalf("the link was seen live: %v, expired: %v; wanted both before it was gone", sawLive, sawExpired)
		}
	}
}

// watched looks at a link that is live, and then in its grace, for so long each, until
// it is gone.
func watched(t *testing.T, store shortener.LinkStore, life time.Duration) (sawLive, sawExpired bool) {
	t.Helper()
	soon := newLink(newCode())
	soon.Expires = time.Now().UTC().Truncate(time.Millisecond).Add(life)
	put(t, store, soon)
	for {
		looked := time.Now()
		got, err := store.Get(testContext(t), soon.Code)
		if errors.Is(err, shortener.ErrNotFound) {
			return sawLive, sawExpired
		}
		if err != nil {
			t.Fatal(err)
		}
		if got.Expired(time.Now()) {
			sawExpired = true
		} else {
			sawLive = true
		}
		if looked.Sub(soon.Expires) > life+10*time.Second {
			t.Fatal("the link is still there ten seconds after its grace")
		}
	}
}

func contextEnds(t *testing.T, open Open) {
	store := open(t, longGrace)
	l := newLink(newCode())
	put(t, store, l)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	same := func(*shortener.Link) error { return nil }
	for name, call := range map[string]func() error{
		"Put":     func() error { return store.Put(ended, newLink(newCode())) },
		"Claim":   func() error { return store.Claim(ended, newLink(newAlias())) },
		"Get":     func() error { _, err := store.Get(ended, l.Code); return err },
		"Update":  func() error { _, err := store.Update(ended, l.Code, same); return err },
		"Delete":  func() error { _, err := store.Delete(ended, l.Code, anybody); return err },
		"ByOwner": func() error { _, _, err := store.ByOwner(ended, l.Owner, "", 10); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context: got %v, wanted context.Canceled", name, err)
		}
	}
	if got := get(t, store, l.Code); got != l {
		t.Errorf("the link became %+v, wanted it untouched", got)
	}
}

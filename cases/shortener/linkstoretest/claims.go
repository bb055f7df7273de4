package linkstoretest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"designkits/cases/shortener"
)

// contenders is how many race for one alias.
const contenders = 50

// race lets all claim at once, over two stores as two replicas would, and
// returns who won.
func race(t *testing.T, open Open, claims []shortener.Link, lost error) (winner shortener.Link) {
	t.Helper()
	stores := []shortener.LinkStore{open(t, longGrace), open(t, longGrace)}
	ctx := testContext(t)
	errs := make([]error, len(claims))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, l := range claims {
		all.Go(func() {
			<-start
			errs[i] = stores[i%2].Claim(ctx, l)
		})
	}
	close(start)
	all.Wait()
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
			winner = claims[i]
		case !errors.Is(err, lost):
			t.Errorf("claim of %q: got %v, wanted %v", claims[i].Code, err, lost)
		}
	}
	if won != 1 {
		t.Fatalf("%d of %d claims succeeded, wanted exactly one", won, len(claims))
	}
	if got := get(t, stores[0], winner.Code); got != winner {
		t.Errorf("the winner stored %+v, found is %+v", winner, got)
	}
	for _, l := range claims {
		links, _, err := stores[1].ByOwner(ctx, l.Owner, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		if want := l.Owner == winner.Owner; (len(links) == 1) != want {
			t.Errorf("%s has %d links; has won: %v", l.Owner, len(links), want)
		}
	}
	return winner
}

func aliasRace(t *testing.T, open Open) {
	alias := newAlias()
	claims := make([]shortener.Link, contenders)
	for i := range claims {
		claims[i] = newLink(alias)
		claims[i].Target = fmt.Sprintf("https://example.com/%d", i)
	}
	race(t, open, claims, shortener.ErrTaken)

	// One owner who clicks twice is told so, too.
	again := newLink(newAlias())
	store := open(t, longGrace)
	claim(t, store, again)
	if err := store.Claim(testContext(t), again); !errors.Is(err, shortener.ErrTaken) {
		t.Errorf("the same claim again: got %v, wanted ErrTaken", err)
	}
	if got := get(t, store, again.Code); got != again {
		t.Errorf("the refused claim changed the link to %+v", got)
	}
}

func lookAlikeRace(t *testing.T, open Open) {
	base := fmt.Sprintf("%x", time.Now().UnixNano())
	claims := make([]shortener.Link, contenders)
	for i := range claims {
		// Hyphens in different places: fifty spellings of one skeleton.
		at := i % len(base)
		alias := "mo-" + base[:at] + "-" + base[at:]
		if i >= len(base) {
			alias = "rn0" + base[:at] + "_" + base[at:]
		}
		if i >= 2*len(base) {
			alias = "M0_" + base[:at] + "--" + base[at:]
		}
		if i >= 3*len(base) {
			alias = "RNO" + base[:at] + "__" + base[at:]
		}
		claims[i] = newLink(shortener.Code(alias))
	}
	winner := race(t, open, claims, shortener.ErrLookAlike)
	store := open(t, longGrace)
	for _, l := range claims {
		if l.Code != winner.Code {
			wantGone(t, store, l.Code)
		}
	}
}

func exactAlias(t *testing.T, open Open) {
	store := open(t, longGrace)
	l := newLink("Exact-" + newAlias())
	claim(t, store, l)
	for _, other := range []shortener.Code{"exact-" + l.Code[6:], "Exact_" + l.Code[6:], "Exact" + l.Code[6:]} {
		wantGone(t, store, other)
		if err := store.Claim(testContext(t), newLink(other)); !errors.Is(err, shortener.ErrLookAlike) {
			t.Errorf("claim of %q: got %v, wanted ErrLookAlike", other, err)
		}
		if _, err := store.Delete(testContext(t), other, anybody); !errors.Is(err, shortener.ErrNotFound) {
			t.Errorf("delete of %q: got %v, wanted ErrNotFound", other, err)
		}
	}
	if got := get(t, store, l.Code); got != l {
		t.Errorf("got %+v, wanted %+v", got, l)
	}
}

func reclaim(t *testing.T, open Open) {
	store := open(t, longGrace)
	ctx := testContext(t)
	first := newLink(newAlias())
	claim(t, store, first)
	if _, err := store.Update(ctx, first.Code, func(l *shortener.Link) error { l.Target = "https://example.org/"; return nil }); err != nil {
		t.Fatal(err)
	}
	deleted, err := store.Delete(ctx, first.Code, anybody)
	if err != nil {
		t.Fatal(err)
	}
	second := newLink(first.Code)
	claim(t, store, second)
	got := get(t, store, first.Code)
	// Caches keep the higher version, and the deletion had the one after the last.
	if got.Version <= deleted.Version+1 {
		t.Errorf("the new link has version %d, which caches that know of the deletion of version %d don't take", got.Version, deleted.Version)
	}
	second.Version = got.Version
	if got != second {
		t.Errorf("got %+v, wanted %+v", got, second)
	}
	if links := list(t, store, first.Owner, 10); len(links) != 0 {
		t.Errorf("the first owner still has %+v", links)
	}
	if links := list(t, store, second.Owner, 10); len(links) != 1 {
		t.Errorf("the second owner has %+v, wanted the one link", links)
	}
}

func reclaimExpired(t *testing.T, open Open) {
	store, short := open(t, longGrace), open(t, time.Minute)
	first := newLink(newAlias())
	first.Expires = time.Now().UTC().Truncate(time.Millisecond).Add(-5 * time.Minute)
	claim(t, store, first)
	if err := store.Claim(testContext(t), newLink(first.Code)); !errors.Is(err, shortener.ErrTaken) {
		t.Errorf("claim within the grace: got %v, wanted ErrTaken", err)
	}
	second := newLink(first.Code)
	claim(t, short, second)
	got := get(t, short, second.Code)
	if got.Target != second.Target || got.Owner != second.Owner || !got.Expires.IsZero() || got.Version <= first.Version {
		t.Errorf("got %+v, wanted %+v with a version above %d", got, second, first.Version)
	}
	if links, _, err := short.ByOwner(context.WithoutCancel(testContext(t)), first.Owner, "", 10); err != nil || len(links) != 0 {
		t.Errorf("the first owner still has %+v (%v)", links, err)
	}
}

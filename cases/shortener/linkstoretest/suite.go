// Package linkstoretest is the contract of shortener.LinkStore and
// codes.RangeStore as tests. Every adapter runs them against its real
// server; what they demand is what the interfaces' comments promise.
//
// They share one store with whatever else is in it: each test uses owners,
// codes and aliases of its own.
package linkstoretest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/codes"
)

// Open returns a store whose expired links are known for as long as grace. It
// is called for several of them at once, on the same data.
type Open func(t *testing.T, grace time.Duration) shortener.LinkStore

// Run runs the whole contract.
func Run(t *testing.T, open Open) {
	t.Run("a link is found as it was put", func(t *testing.T) { foundAsPut(t, open) })
	t.Run("an unknown code is not found", func(t *testing.T) { unknown(t, open) })
	t.Run("repeating a put undoes nothing", func(t *testing.T) { repeatedPut(t, open) })
	t.Run("an expired link is returned until its grace ends", func(t *testing.T) { expiry(t, open) })
	t.Run("the end of the context ends the call", func(t *testing.T) { contextEnds(t, open) })

	t.Run("an alias is claimed by exactly one of many", func(t *testing.T) { aliasRace(t, open) })
	t.Run("of many look-alikes exactly one is claimed", func(t *testing.T) { lookAlikeRace(t, open) })
	t.Run("an alias is found by its exact letters only", func(t *testing.T) { exactAlias(t, open) })
	t.Run("an alias is free again once deleted", func(t *testing.T) { reclaim(t, open) })
	t.Run("an alias is free again once its grace has ended", func(t *testing.T) { reclaimExpired(t, open) })

	t.Run("no concurrent update is lost", func(t *testing.T) { updateRace(t, open) })
	t.Run("an update changes what may change", func(t *testing.T) { update(t, open) })
	t.Run("a refused update stores nothing", func(t *testing.T) { refusedUpdate(t, open) })
	t.Run("a refused delete removes nothing", func(t *testing.T) { refusedDelete(t, open) })
	t.Run("a deleted link is gone", func(t *testing.T) { remove(t, open) })
	t.Run("of many deletes exactly one finds the link", func(t *testing.T) { deleteRace(t, open) })

	t.Run("a listing is newest first over pages and months", func(t *testing.T) { listing(t, open) })
	t.Run("a listing leaves out what is gone", func(t *testing.T) { listingOfGone(t, open) })
	t.Run("an unknown cursor is refused", func(t *testing.T) { unknownCursor(t, open) })
}

const longGrace = time.Hour

// testContext ends what a test does before the test's own time is over.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newCode returns a code that no other test uses.
func newCode() shortener.Code {
	code := make([]byte, codes.Length)
	for i := range code {
		code[i] = letters[rand.IntN(len(letters))]
	}
	return shortener.Code(code)
}

// newAlias returns an alias that no other test uses, nor one that looks like it.
func newAlias() shortener.Code { return shortener.Code(fmt.Sprintf("t-%016x", rand.Uint64())) }

func newOwner() shortener.Owner { return shortener.Owner(fmt.Sprintf("owner-%016x", rand.Uint64())) }

// newLink returns a link that was made just now.
func newLink(code shortener.Code) shortener.Link {
	return shortener.Link{
		Code:    code,
		Target:  "https://example.com/" + string(code),
		Owner:   newOwner(),
		Created: time.Now().UTC().Truncate(time.Millisecond),
		Version: 1,
	}
}

func put(t *testing.T, store shortener.LinkStore, l shortener.Link) {
	t.Helper()
	if err := store.Put(testContext(t), l); err != nil {
		t.Fatalf("put %q: %v", l.Code, err)
	}
}

func claim(t *testing.T, store shortener.LinkStore, l shortener.Link) {
	t.Helper()
	if err := store.Claim(testContext(t), l); err != nil {
		t.Fatalf("claim %q: %v", l.Code, err)
	}
}

func get(t *testing.T, store shortener.LinkStore, code shortener.Code) shortener.Link {
	t.Helper()
	l, err := store.Get(testContext(t), code)
	if err != nil {
		t.Fatalf("get %q: %v", code, err)
	}
	return l
}

func wantGone(t *testing.T, store shortener.LinkStore, code shortener.Code) {
	t.Helper()
	if l, err := store.Get(testContext(t), code); !errors.Is(err, shortener.ErrNotFound) {
		t.Fatalf("get %q: got %+v, %v, wanted ErrNotFound", code, l, err)
	}
}

// anybody allows every deletion.
func anybody(shortener.Link) error { return nil }

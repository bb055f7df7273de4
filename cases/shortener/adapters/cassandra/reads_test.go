package cassandra

import (
	"errors"
	"sync"
	"testing"

	"github.com/gocql/gocql"

	"designkits/cases/shortener"
)

// However many read at once, whatever they are put together with, everybody gets
// the own link, or hears that there is none.
func TestReadsThatGoTogetherAreToldApart(t *testing.T) {
	links := openDB(t).Links(numbers)
	var stored []shortener.Link
	for range 40 {
		l := testLink(shortener.Code(unique()))
		l.Target = "https://example.com/" + string(l.Code)
		if err := links.Put(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		stored = append(stored, l)
	}
	var readers sync.WaitGroup
	for range 5 {
		for _, want := range stored {
			readers.Go(func() {
				got, err := links.Get(t.Context(), want.Code)
				if err != nil || got.Code != want.Code || got.Target != want.Target {
					t.Errorf("%s leads to %q: %v", want.Code, got.Target, err)
				}
			})
		}
		readers.Go(func() {
			if got, err := links.Get(t.Context(), "nobody0"); !errors.Is(err, shortener.ErrNotFound) {
				t.Errorf("a code that nobody has leads to %q: %v", got.Target, err)
			}
		})
	}
	readers.Wait()
}

// When all together fails, each reads alone, and only what can't be read fails.
func TestReadsThatFailTogetherAreDoneAlone(t *testing.T) {
	db := openDB(t)
	l := testLink(shortener.Code(unique()))
	links := db.Links(numbers)
	if err := links.Put(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	// Cassandra refuses keys above 64 KiB, and with one of them all of a batch.
	fine, broken := &wanted{key: links.keyOf(l.Code)}, &wanted{key: rowKey{string(make([]byte, 1<<16)), "broken"}}
	if err := readTogether(t.Context(), db.session, gocql.LocalQuorum, []*wanted{fine, broken}); err == nil {
		t.Fatal("both were read together: what does this test prove?")
	}
	if err := sendReads(t.Context(), db.session, gocql.LocalQuorum, []*wanted{fine, broken}); err != nil {
		t.Fatal(err)
	}
	if fine.err != nil || fine.found.Code != l.Code {
		t.Errorf("%s was read as %q: %v", l.Code, fine.found.Code, fine.err)
	}
	if broken.err == nil {
		t.Error("a key that can't be was read")
	}
}

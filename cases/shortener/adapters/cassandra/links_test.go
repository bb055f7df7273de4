package cassandra

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/cases/shortener"
	"designkits/cases/shortener/codes"
	"designkits/cases/shortener/target"
)

// seconds of a TTL may have passed until it is read.
func near(got, want int) bool { return got <= want && got > want-60 }

func ttlOf(t *testing.T, db *DB, code shortener.Code) (seconds int) {
	t.Helper()
	var ttl *int
	k := db.Links(numbers).keyOf(code)
	if err := db.session.Query(`SELECT TTL(version) FROM links WHERE bucket = ? AND key = ?`, k.bucket, k.key).WithContext(t.Context()).Scan(&ttl); err != nil {
		t.Fatalf("TTL of %s: %v", code, err)
	}
	if ttl == nil {
		return 0
	}
	return *ttl
}

// Eight of these are more than Cassandra takes in a batch.
func TestLongLinksThatComeTogetherAreAllStored(t *testing.T) {
	links := openDB(t).Links(numbers)
	all, ctx := errgroup.WithContext(t.Context())
	for range 64 {
		l := newLink()
		l.Target += strings.Repeat("a", target.MaxBytes-len(l.Target))
		all.Go(func() error {
			if err := links.Put(ctx, l); err != nil {
				return err
			}
			got, err := links.Get(ctx, l.Code)
			if err == nil && got.Target != l.Target {
				err = fmt.Errorf("%s leads to %d bytes, not %d", l.Code, len(got.Target), len(l.Target))
			}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
}

// Codes of four numbers in a row share a bucket, and nobody else is in it.
func TestNeighboursShareABucket(t *testing.T) {
	permutation, err := codes.NewPermutation([]byte(leaserKey))
	if err != nil {
		t.Fatal(err)
	}
	links := (&DB{}).Links(permutation)
	shares := map[string][]uint64{}
	for n := range uint64(4000) {
		k := links.keyOf(shortener.Code(permutation.Code(n)))
		shares[k.bucket] = append(shares[k.bucket], n)
	}
	for bucket, numbers := range shares {
		if first := numbers[0]; len(numbers) != bucketSize || first%bucketSize != 0 || numbers[bucketSize-1] != first+bucketSize-1 {
			t.Errorf("in bucket %s are %v", bucket, numbers)
		}
	}
	if one, other := links.keyOf("alias-one"), links.keyOf("a1ias-0ne"); one != other || shares[one.bucket] != nil {
		t.Errorf("an alias is at %v, and one that looks like it at %v", one, other)
	}
}

// What becomes of a link is nothing to those that share its bucket.
func TestLinksThatShareABucketAreEachTheirOwn(t *testing.T) {
	db := openDB(t)
	links := db.Links(numbers)
	var four []shortener.Link
	for len(four) < bucketSize {
		l := newLink()
		if len(four) > 0 && links.keyOf(l.Code).bucket != links.keyOf(four[0].Code).bucket {
			four = nil
		}
		four = append(four, l)
	}
	puts, ctx := errgroup.WithContext(t.Context())
	for _, l := range four {
		puts.Go(func() error { return links.Put(ctx, l) })
	}
	if err := puts.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := links.Update(t.Context(), four[1].Code, func(l *shortener.Link) error { l.Target = "https://example.org/"; return nil }); err != nil {
		t.Fatal(err)
	}
	four[1].Target = "https://example.org/"
	if _, err := links.Delete(t.Context(), four[2].Code, func(shortener.Link) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for i, want := range four {
		got, err := links.Get(t.Context(), want.Code)
		if i == 2 {
			if !errors.Is(err, shortener.ErrNotFound) {
				t.Errorf("the link that was deleted leads to %q, %v", got.Target, err)
			}
			continue
		}
		if err != nil || got.Code != want.Code || got.Target != want.Target || got.Owner != want.Owner {
			t.Errorf("%s leads to %q, %v, want %q", want.Code, got.Target, err, want.Target)
		}
	}
}

func TestARowIsDroppedSomeTimeAfterItsLink(t *testing.T) {
	db := openDB(t)
	links := db.Links(numbers)
	now := time.Now().UTC().Truncate(time.Millisecond)
	kept := int((shortener.GracePeriod + remember).Seconds())
	var code shortener.Code
	for _, c := range []struct {
		expires time.Time
		want    int
	}{
		{now.Add(time.Hour), 3600 + kept},
		{lastTTL, 0}, // past what a TTL can say: the row stays
		{time.Time{}, 0},
	} {
		l := newLink()
		code = l.Code
		l.Expires = c.expires
		if err := links.Put(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if got := ttlOf(t, db, code); !near(got, c.want) {
			t.Errorf("expires %v: TTL %d, wanted %d", c.expires, got, c.want)
		}
	}
	expire := func(at time.Time) {
		t.Helper()
		if _, err := links.Update(t.Context(), code, func(l *shortener.Link) error { l.Expires = at; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	expire(now.Add(2 * time.Hour))
	if got := ttlOf(t, db, code); !near(got, 7200+kept) {
		t.Errorf("after it was given an expiry: TTL %d, wanted %d", got, 7200+kept)
	}
	expire(time.Time{})
	if got := ttlOf(t, db, code); got != 0 {
		t.Errorf("after the expiry was taken back: TTL %d, wanted none", got)
	}
	if _, err := links.Delete(t.Context(), code, func(shortener.Link) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := ttlOf(t, db, code); !near(got, int(remember.Seconds())) {
		t.Errorf("of a grave: TTL %d, wanted %v", got, remember)
	}
}

// entries counts what an owner's index holds.
func entries(t *testing.T, db *DB, owner shortener.Owner, created time.Time) (n int) {
	t.Helper()
	err := db.session.Query(`SELECT COUNT(*) FROM links_by_owner WHERE owner = ? AND month = ?`, string(owner), monthOf(created)).
		WithContext(t.Context()).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A crash between the entry in the index and the link leaves the entry alone.
func TestAListingClearsAwayWhatACrashHasLeft(t *testing.T) {
	db := openDB(t)
	links := db.Links(numbers)
	whole := newLink()
	whole.Created = whole.Created.Add(-3 * time.Hour)
	old, fresh := whole, whole
	old.Code, fresh.Code = newLink().Code, newLink().Code
	fresh.Created = time.Now().UTC().Truncate(time.Millisecond)
	if err := links.Put(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	for _, l := range []shortener.Link{old, fresh} {
		if err := links.index(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int { // both months, at the turn of one
		n := entries(t, db, whole.Owner, whole.Created)
		if monthOf(fresh.Created) != monthOf(whole.Created) {
			n += entries(t, db, whole.Owner, fresh.Created)
		}
		return n
	}
	if got := count(); got != 3 {
		t.Fatalf("%d entries before the listing, wanted 3", got)
	}
	page, next, err := links.ByOwner(t.Context(), whole.Owner, "", 10)
	if err != nil || len(page) != 1 || page[0] != whole || next != "" {
		t.Errorf("listed are %+v, next %q (%v), wanted the one whole link", page, next, err)
	}
	// The fresh one may be a link that is being stored at this moment.
	if got := count(); got != 2 {
		t.Errorf("%d entries after the listing, wanted the whole and the fresh one", got)
	}
	if err := links.Put(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	if page, _, err := links.ByOwner(t.Context(), whole.Owner, "", 10); err != nil || len(page) != 2 {
		t.Errorf("after the put was repeated listed are %+v (%v), wanted two links", page, err)
	}
}

// An alias that its first owner has lost stands in his index no more than in
// his listing, even where the deletion from the index never happened.
func TestAnEntryOfAnAliasThatWasClaimedAnewBelongsToNobody(t *testing.T) {
	links := openDB(t).Links(numbers)
	first := newAlias()
	if err := links.Claim(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := links.Delete(t.Context(), first.Code, func(shortener.Link) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := links.db.session.Query(`INSERT INTO links_by_owner (owner, month, created, code) VALUES (?, ?, ?, ?) USING TIMESTAMP 3`,
		string(first.Owner), monthOf(first.Created), first.Created, string(first.Code)).WithContext(t.Context()).Exec(); err != nil {
		t.Fatal(err)
	}
	second := first
	second.Owner = "somebody-" + shortener.Owner(first.Code)
	if err := links.Claim(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if page, _, err := links.ByOwner(t.Context(), first.Owner, "", 10); err != nil || len(page) != 0 {
		t.Errorf("the first owner has %+v (%v), wanted nothing", page, err)
	}
}

func TestACodeIsStoredByTheWayOfItsShape(t *testing.T) {
	links := openDB(t).Links(numbers)
	if err := links.Put(t.Context(), newAlias()); err == nil {
		t.Error("an alias was put, past the claim")
	}
	if err := links.Claim(t.Context(), newLink()); err == nil {
		t.Error("a generated code was claimed")
	}
	if _, _, err := links.ByOwner(t.Context(), "anybody", "", 0); err == nil {
		t.Error("a page of no links was returned")
	}
}

func TestEveryOperationIsObserved(t *testing.T) {
	seen := map[string]error{}
	links := openDB(t, func(c *Config) { c.Observe = func(op string, _ time.Duration, err error) { seen[op] = err } }).Links(numbers)
	if _, err := links.Get(t.Context(), "observe"); !errors.Is(err, shortener.ErrNotFound) {
		t.Fatal(err)
	}
	if err, ok := seen["get link"]; !ok || !errors.Is(err, shortener.ErrNotFound) {
		t.Errorf("seen was %v", seen)
	}
}

func TestPlainWritesLoseAgainstTransactions(t *testing.T) {
	db := openDB(t)
	links := db.Links(numbers)
	l := newLink()
	if err := links.Put(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	stamp := func() (micros int64) {
		t.Helper()
		k := links.keyOf(l.Code)
		if err := db.session.Query(`SELECT WRITETIME(target) FROM links WHERE bucket = ? AND key = ?`, k.bucket, k.key).WithContext(t.Context()).Scan(&micros); err != nil {
			t.Fatal(err)
		}
		return micros
	}
	if got := stamp(); got != 1 {
		t.Errorf("a put has timestamp %d, wanted 1", got)
	}
	if _, _, err := links.swap(t.Context(), links.keyOf(l.Code), row{Link: l}, row{Link: l, attempt: gocql.MustRandomUUID()}, 0); err != nil {
		t.Fatal(err)
	}
	if got := time.UnixMicro(stamp()); time.Since(got).Abs() > time.Hour {
		t.Errorf("a transaction has timestamp %v, wanted about now", got)
	}
}

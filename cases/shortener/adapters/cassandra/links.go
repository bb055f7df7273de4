package cassandra

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gocql/gocql"

	"designkits/cases/shortener"
	"designkits/shared/cql"
)

// Links is the shortener.LinkStore.
type Links struct {
	db      *DB
	numbers Numbers
	months  monthSet
}

// Numbers tell which number a generated code stands for, as a *codes.Permutation
// does. They say where a link is, so all who share a keyspace need the same ones.
type Numbers interface {
	Number(code string) (uint64, error)
}

// Links returns the link store.
func (db *DB) Links(numbers Numbers) *Links { return &Links{db: db, numbers: numbers} }

var _ shortener.LinkStore = (*Links)(nil)

// A rowKey says where the row of a code is: its bucket, which is the partition, and
// which row of it.
type rowKey struct{ bucket, key string }

// bucketSize is how many neighbouring numbers share a bucket. Links that are made
// at the same moment by one process have such numbers, and a batch of them is as many
// writes for Cassandra as it has buckets. With more a link would hardly be cheaper
// to write.
const bucketSize = 4

// keyOf is where a code's row is. A generated code stands for itself, an alias for all
// that look like it, which have a bucket of their own. The tilde keeps the two apart.
func (s *Links) keyOf(code shortener.Code) rowKey {
	if !code.Generated() {
		alike := "~" + shortener.Skeleton(string(code))
		return rowKey{alike, alike}
	}
	bucket := string(code) // by itself, if there were one without a number
	if n, err := s.numbers.Number(bucket); err == nil {
		bucket = strconv.FormatUint(n/bucketSize, 36)
	}
	return rowKey{bucket, string(code)}
}

// A row is a row of links. One whose code is null is a grave: what Delete has
// left, to remember the version.
type row struct {
	shortener.Link
	attempt gocql.UUID // the conditional write that made it; zero after a Put
}

// empty reports whether the row holds no link, now.
func (r row) empty(now time.Time, grace time.Duration) bool {
	return r.Code == "" || !r.Expires.IsZero() && !now.Before(r.Expires.Add(grace))
}

// remember is how long a row is kept after its link is gone. Until then a new
// claim of the alias goes on above its versions, even if the claimant's clock is
// behind, so that caches, which keep the higher version, take the new link over
// the old one. It must be longer than any cache keeps an entry.
const remember = 48 * time.Hour

// lastTTL is the last moment a TTL can reach while Cassandra runs in the
// storage format of version 4, its default (the 32-bit seconds end in January
// 2038). What expires later is kept without TTL: it still answers "expired" and
// "unknown" in time, only the row stays.
var lastTTL = time.Date(2038, time.January, 1, 0, 0, 0, 0, time.UTC)

// ttl returns the seconds until the row of a link may be dropped; 0 is never.
// It only collects garbage: when a link is over is decided by its expiry.
func (s *Links) ttl(expires time.Time) int {
	if expires.IsZero() {
		return 0
	}
	end := expires.Add(s.db.config.Grace + remember)
	if end.After(lastTTL) {
		return 0
	}
	return max(1, int(math.Ceil(end.Sub(s.db.config.Now()).Seconds())))
}

// Put stores a new link under a generated code, and its entry in the owner's
// index, at the same time, each together with those of others. After a crash in
// between either may be missing. An entry without a link is left out of listings,
// which also clear it away; a link without an entry is one whose code nobody was
// told, since Put had not returned. Repeating the Put completes it.
//
// Its timestamp is 1, so that repeating it can't undo an Update or a Delete.
func (s *Links) Put(ctx context.Context, l shortener.Link) error {
	if !l.Code.Generated() {
		return fmt.Errorf("cassandra: put link %q: not a generated code; an alias is claimed", l.Code)
	}
	return s.db.run(ctx, "put link", string(l.Code), s.db.config.Timeout, func(ctx context.Context) error {
		entry, err := s.indexed(ctx, l)
		if err != nil {
			return err
		}
		k := s.keyOf(l.Code)
		return s.db.put(ctx, cql.Write{
			Partition: "links " + k.bucket,
			// UPDATE, not INSERT: an INSERT also writes a marker that the row exists,
			// with a TTL of its own that no later UPDATE changes.
			Statement: `UPDATE links USING TTL ? AND TIMESTAMP 1 SET code = ?, target = ?, owner = ?, created = ?, expires = ?, permanent = ?, version = ? WHERE bucket = ? AND key = ?`,
			Values:    []any{s.ttl(l.Expires), string(l.Code), l.Target, string(l.Owner), l.Created, unset(l.Expires), l.Permanent, l.Version, k.bucket, k.key},
		}, entry)
	})
}

// put writes a link and its entry, and waits for both.
func (db *DB) put(ctx context.Context, link, entry cql.Write) error {
	linked, indexed := db.links.Begin(ctx, link), db.entries.Begin(ctx, entry)
	return cmp.Or(linked(), indexed())
}

// unset leaves a zero time out of a statement, where null would be a tombstone.
func unset(t time.Time) any {
	if t.IsZero() {
		return gocql.UnsetValue
	}
	return t
}

// null writes a zero value as null, which takes away what was there.
func null[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// Get returns the link, expired or not, or ErrNotFound.
func (s *Links) Get(ctx context.Context, code shortener.Code) (shortener.Link, error) {
	var found row
	err := s.db.run(ctx, "get link", string(code), s.db.config.Timeout, func(ctx context.Context) (err error) {
		found, err = s.live(ctx, code, s.db.config.Consistency)
		return err
	})
	return found.Link, err
}

// live reads the row of a code and returns ErrNotFound unless it holds a link
// of exactly that code.
func (s *Links) live(ctx context.Context, code shortener.Code, level gocql.Consistency) (row, error) {
	r, err := s.read(ctx, s.keyOf(code), level)
	if err != nil {
		return row{}, err
	}
	if r.Code != code || r.empty(s.db.config.Now(), s.db.config.Grace) {
		return row{}, shortener.ErrNotFound
	}
	return r, nil
}

// read returns the row of a key, the zero row when there is none. At the level
// of plain reads it is read together with those of others.
func (s *Links) read(ctx context.Context, k rowKey, level gocql.Consistency) (row, error) {
	if level != s.db.config.Consistency {
		return readRow(ctx, s.db.session, level, k)
	}
	w := &wanted{key: k}
	if err := s.db.reads.Do(ctx, w); err != nil {
		return row{}, err // the context's, and then w must not be looked at
	}
	return w.found, w.err
}

// monthSet remembers which months of which owners are written in owner_months,
// so that only the first link of a month writes it. It may forget.
type monthSet struct {
	mu   sync.Mutex
	seen map[ownerMonth]bool
}

type ownerMonth struct {
	owner shortener.Owner
	month int
}

// maxMonths bounds the set: about 1 MB.
const maxMonths = 10_000

func (m *monthSet) has(key ownerMonth) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen[key]
}

func (m *monthSet) add(key ownerMonth) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil || len(m.seen) >= maxMonths {
		m.seen = make(map[ownerMonth]bool)
	}
	m.seen[key] = true
}

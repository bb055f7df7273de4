package cassandra

import (
	"context"
	"fmt"
	"time"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/cases/shortener"
	"designkits/shared/cql"
)

// An entry of an owner's index is written once, with timestamp 1, and deleted
// once, with timestamp 2: in whatever order the two arrive, and however often,
// the end is the same.

// index writes a link's entry in its owner's index.
func (s *Links) index(ctx context.Context, l shortener.Link) error {
	entry, err := s.indexed(ctx, l)
	if err != nil {
		return err
	}
	return s.db.entries.Do(ctx, entry)
}

// indexed makes sure that the link's month is known of its owner, and returns
// the entry for the index.
func (s *Links) indexed(ctx context.Context, l shortener.Link) (cql.Write, error) {
	month := ownerMonth{l.Owner, monthOf(l.Created)}
	if !s.months.has(month) {
		err := s.db.session.Query(`INSERT INTO owner_months (owner, month) VALUES (?, ?) USING TIMESTAMP 1`, string(l.Owner), month.month).
			Idempotent(true).WithContext(ctx).Exec()
		if err != nil {
			return cql.Write{}, err
		}
		s.months.add(month)
	}
	return cql.Write{
		Partition: fmt.Sprintf("links_by_owner %s %d", l.Owner, month.month),
		Statement: `INSERT INTO links_by_owner (owner, month, created, code) VALUES (?, ?, ?, ?) USING TIMESTAMP 1`,
		Values:    []any{string(l.Owner), month.month, l.Created, string(l.Code)},
	}, nil
}

// unindex removes the entry.
func (s *Links) unindex(ctx context.Context, owner shortener.Owner, created time.Time, code shortener.Code) error {
	return s.db.session.Query(`DELETE FROM links_by_owner USING TIMESTAMP 2 WHERE owner = ? AND month = ? AND created = ? AND code = ?`,
		string(owner), monthOf(created), created, string(code)).Idempotent(true).WithContext(ctx).Exec()
}

// EraseOwner removes the owner's index, with what it may have left over, and before
// that what is kept of links that have ended.
func (s *Links) EraseOwner(ctx context.Context, owner shortener.Owner) error {
	run := func(do func(context.Context) error) error {
		return s.db.run(ctx, "erase owner", string(owner), 2*s.db.config.Timeout, do)
	}
	var months []int
	err := run(func(ctx context.Context) (err error) {
		months, err = s.monthsOf(ctx, owner, monthOf(time.UnixMilli(1<<43)))
		return err
	})
	if err != nil {
		return err
	}
	for _, month := range months {
		for from, more := shortener.Before(), true; more; {
			err := run(func(ctx context.Context) (err error) {
				from, more, err = s.buryEnded(ctx, owner, month, from)
				return err
			})
			if err != nil {
				return err
			}
		}
		err := run(func(ctx context.Context) error {
			return s.db.session.Query(`DELETE FROM links_by_owner USING TIMESTAMP 2 WHERE owner = ? AND month = ?`, string(owner), month).
				Idempotent(true).WithContext(ctx).Exec()
		})
		if err != nil {
			return err
		}
	}
	return run(func(ctx context.Context) error {
		return s.db.session.Query(`DELETE FROM owner_months USING TIMESTAMP 2 WHERE owner = ?`, string(owner)).
			Idempotent(true).WithContext(ctx).Exec()
	})
}

// buriedAtOnce is how many entries are looked through under one deadline.
const buriedAtOnce = 64

// buryEnded replaces the owner's links by graves that have ended and of which the row
// still waits for its end, among the entries that follow the place.
func (s *Links) buryEnded(ctx context.Context, owner shortener.Owner, month int, from shortener.Place) (next shortener.Place, more bool, err error) {
	entries, err := s.entries(ctx, owner, month, from, buriedAtOnce)
	if err != nil || len(entries) == 0 {
		return from, false, err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(8)
	for _, e := range entries {
		work.Go(func() error {
			r, err := s.read(ctx, s.keyOf(e.Code), s.db.config.Consistency)
			if err != nil || !r.is(owner, e) {
				return err
			}
			grave := row{shortener.Link{Version: s.db.config.NextVersion(r.Version)}, gocql.MustRandomUUID()}
			_, _, err = s.swap(ctx, s.keyOf(e.Code), r, grave, int(remember.Seconds()))
			return err // one that wasn't applied met another's claim
		})
	}
	return entries[len(entries)-1], len(entries) == buriedAtOnce, work.Wait()
}

var _ shortener.Eraser = (*Links)(nil)

// monthOf is the bucket of a time, 202611 for November 2026.
func monthOf(t time.Time) int {
	year, month, _ := t.UTC().Date()
	return year*100 + int(month)
}

// ByOwner walks the months from the newest, and the entries of each.
func (s *Links) ByOwner(ctx context.Context, owner shortener.Owner, cursor string, limit int) (links []shortener.Link, next string, err error) {
	if limit < 1 {
		return nil, "", fmt.Errorf("cassandra: list links of %q: a page of %d links can't be", owner, limit)
	}
	from := shortener.Before()
	if cursor != "" {
		if from, err = shortener.ParseCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	err = s.db.run(ctx, "list links", string(owner), 2*s.db.config.Timeout, func(ctx context.Context) error {
		months, err := s.monthsOf(ctx, owner, monthOf(from.Created))
		if err != nil {
			return err
		}
		for _, month := range months {
			// One more than a page tells whether there is a next one.
			if links, err = s.collect(ctx, owner, month, from, links, limit+1); err != nil {
				return err
			}
			if len(links) > limit {
				links = links[:limit]
				last := links[limit-1]
				next = shortener.Place{Created: last.Created, Code: last.Code}.Cursor()
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return links, next, nil
}

func (s *Links) monthsOf(ctx context.Context, owner shortener.Owner, newest int) (months []int, err error) {
	rows := s.db.session.Query(`SELECT month FROM owner_months WHERE owner = ? AND month <= ?`, string(owner), newest).
		Idempotent(true).WithContext(ctx).Iter()
	for month := 0; rows.Scan(&month); {
		months = append(months, month)
	}
	return months, rows.Close()
}

// collect appends the live links of a month that follow the place, until there
// are enough of them.
func (s *Links) collect(ctx context.Context, owner shortener.Owner, month int, from shortener.Place, links []shortener.Link, enough int) ([]shortener.Link, error) {
	for len(links) < enough {
		want := max(enough-len(links), 16) // not one by one where many are dead
		entries, err := s.entries(ctx, owner, month, from, want)
		if err != nil {
			return nil, err
		}
		found, err := s.liveOf(ctx, owner, entries)
		if err != nil {
			return nil, err
		}
		links = append(links, found...)
		if len(entries) < want {
			break
		}
		from = entries[len(entries)-1]
	}
	return links, nil
}

// entries are those of a month that follow the place.
func (s *Links) entries(ctx context.Context, owner shortener.Owner, month int, from shortener.Place, limit int) (entries []shortener.Place, err error) {
	rows := s.db.session.Query(`SELECT created, code FROM links_by_owner WHERE owner = ? AND month = ? AND (created, code) < (?, ?) LIMIT ?`,
		string(owner), month, from.Created, string(from.Code), limit).Idempotent(true).WithContext(ctx).Iter()
	for e := (shortener.Place{}); rows.Scan(&e.Created, (*string)(&e.Code)); {
		entries = append(entries, e)
	}
	return entries, rows.Close()
}

// is reports whether the row holds the link of the owner's entry, ended or not.
func (r row) is(owner shortener.Owner, e shortener.Place) bool {
	return r.Code == e.Code && r.Owner == owner && r.Created.Equal(e.Created)
}

// settled is the age from which an entry without a link is known to be a
// leftover, and not one of a link that is being stored at this moment.
const settled = time.Hour

// liveOf reads the links of the entries and leaves out those that have ended or are gone. A
// leftover entry is cleared away on the occasion.
func (s *Links) liveOf(ctx context.Context, owner shortener.Owner, entries []shortener.Place) ([]shortener.Link, error) {
	found := make([]row, len(entries))
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(16)
	for i, e := range entries {
		reads.Go(func() error {
			r, err := s.read(ctx, s.keyOf(e.Code), s.db.config.Consistency)
			switch {
			case err != nil:
				return err
			case r.is(owner, e) && r.empty(s.db.config.Now(), s.db.config.Grace): // EraseOwner finds its row by the entry
			case r.is(owner, e):
				found[i] = r
			case s.db.config.Now().Sub(e.Created) > settled:
				return s.unindex(ctx, owner, e.Created, e.Code)
			}
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	links := make([]shortener.Link, 0, len(entries))
	for _, r := range found {
		if r.Code != "" {
			links = append(links, r.Link)
		}
	}
	return links, nil
}

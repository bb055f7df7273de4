package cassandra

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gocql/gocql"

	"designkits/cases/shortener"
)

// Claim stores a new link under an alias if that and all look-alikes are free.
// They share one row, so one conditional write decides, in one round trip to
// the store (four within it); where a deleted link has left a grave, in two.
//
// The entry in the owner's index is written first. After a crash in between it
// has no link, is left out of listings and cleared away by one; the other way
// round an alias would be held that its owner's listing doesn't show.
func (s *Links) Claim(ctx context.Context, l shortener.Link) error {
	if l.Code.Generated() || l.Code == "" {
		return fmt.Errorf("cassandra: claim alias %q: not an alias; a generated code is put", l.Code)
	}
	return s.db.run(ctx, "claim alias", string(l.Code), 2*s.db.config.Timeout, func(ctx context.Context) error {
		if err := s.index(ctx, l); err != nil {
			return err
		}
		return s.claim(ctx, l, gocql.MustRandomUUID())
	})
}

// claim is the conditional write. By its attempt it recognises a row that an
// earlier try of its own has made and whose answer was lost.
func (s *Links) claim(ctx context.Context, l shortener.Link, attempt gocql.UUID) error {
	var expected row // nothing
	for tries := 0; ; tries++ {
		l.Version = max(l.Version, expected.Version+1)
		applied, held, err := s.swap(ctx, s.keyOf(l.Code), expected, row{l, attempt}, s.ttl(l.Expires))
		switch {
		case err != nil && tryAgain(err, tries):
			// The next try will find this one's row, or do it again.
		case err != nil:
			return err
		case applied, held.attempt == attempt:
			return nil
		case held.empty(s.db.config.Now(), s.db.config.Grace):
			expected = held
			continue // at once: this is the usual way over a grave
		case held.Code == l.Code:
			return shortener.ErrTaken
		default:
			return shortener.ErrLookAlike
		}
		if err := pause(ctx, tries); err != nil {
			return err
		}
	}
}

// Update changes a link by compare-and-set on its version.
func (s *Links) Update(ctx context.Context, code shortener.Code, change func(*shortener.Link) error) (shortener.Link, error) {
	var refused error
	_, after, err := s.replace(ctx, "update link", code, func(current shortener.Link) (shortener.Link, error) {
		next := current
		if refused = change(&next); refused != nil {
			return shortener.Link{}, refused
		}
		next.Code, next.Owner, next.Created = current.Code, current.Owner, current.Created
		return next, nil
	})
	if refused != nil {
		return shortener.Link{}, refused
	}
	return after, err
}

// Delete replaces the link by a grave: a row with nothing but the next version,
// which is gone after a while (see remember).
func (s *Links) Delete(ctx context.Context, code shortener.Code, allowed func(shortener.Link) error) (shortener.Link, error) {
	var refused error
	before, _, err := s.replace(ctx, "delete link", code, func(current shortener.Link) (shortener.Link, error) {
		refused = allowed(current)
		return shortener.Link{}, refused
	})
	if refused != nil {
		return shortener.Link{}, refused
	}
	if err != nil {
		return shortener.Link{}, err
	}
	// What a crash or an error leaves here is an entry without a link, which a
	// listing clears away; the link is deleted all the same.
	_ = s.db.run(ctx, "delete link from index", string(code), s.db.config.Timeout, func(ctx context.Context) error {
		return s.unindex(ctx, before.Owner, before.Created, before.Code)
	})
	return before, nil
}

// replace puts what change makes of the live link in its place, with the next
// version. The change runs again when another was faster.
func (s *Links) replace(ctx context.Context, operation string, code shortener.Code, change func(shortener.Link) (shortener.Link, error)) (before, after shortener.Link, err error) {
	level := s.db.config.Consistency
	err = s.db.run(ctx, operation, string(code), 2*s.db.config.Timeout, func(ctx context.Context) error {
		for tries := 0; ; tries++ {
			current, err := s.live(ctx, code, level)
			if err != nil {
				return err
			}
			next, err := change(current.Link)
			if err != nil {
				return err
			}
			next.Version = s.db.config.NextVersion(current.Version)
			ttl := s.ttl(next.Expires)
			if next.Code == "" {
				ttl = int(remember.Seconds())
			}
			attempt := gocql.MustRandomUUID()
			applied, _, err := s.swap(ctx, s.keyOf(code), current, row{next, attempt}, ttl)
			if err != nil && (outcomeUnknown(err) || ctx.Err() != nil) {
				applied, err = s.settle(ctx, s.keyOf(code), next.Version, attempt, err)
			}
			if err != nil {
				return err
			}
			if applied {
				before, after = current.Link, next
				return nil
			}
			// Another was faster, and its write may be visible at serial level only.
			level = gocql.Consistency(s.db.config.SerialConsistency)
			if err := pause(ctx, tries); err != nil {
				return err
			}
		}
	})
	return before, after, err
}

// settle finds out whether a conditional write whose answer was lost has been
// applied, also when nobody waits for it any more. Where later writes have covered
// its traces it returns the cause.
func (s *Links) settle(ctx context.Context, k rowKey, version int64, attempt gocql.UUID, cause error) (applied bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.db.config.Timeout)
	defer cancel()
	r, err := s.read(ctx, k, gocql.Consistency(s.db.config.SerialConsistency))
	switch {
	case err != nil:
		return false, errors.Join(cause, err)
	case r.attempt == attempt:
		return true, nil
	case r.Version > version:
		return false, fmt.Errorf("it may have been applied, and was changed again since: %w", cause)
	}
	return false, nil
}

// swap replaces the expected row by the next one, atomically. When it doesn't
// apply it returns what the row holds: the columns that the condition names.
func (s *Links) swap(ctx context.Context, k rowKey, expected, next row, ttl int) (applied bool, held row, err error) {
	columns := map[string]any{}
	applied, err = conditional(ctx, s.db.session.Query(`UPDATE links USING TTL ? SET code = ?, target = ?, owner = ?, created = ?, expires = ?, permanent = ?, version = ?, attempt = ? WHERE bucket = ? AND key = ? IF version = ? AND attempt = ? AND code = ? AND expires = ?`,
		ttl, null(string(next.Code)), null(next.Target), null(string(next.Owner)), null(next.Created), null(next.Expires), next.Permanent, next.Version, next.attempt, k.bucket, k.key,
		null(expected.Version), null(expected.attempt), null(string(expected.Code)), null(expected.Expires)), columns)
	if err != nil || applied {
		return applied, row{}, err
	}
	code, _ := columns["code"].(string)
	held.Code = shortener.Code(code)
	held.Version, _ = columns["version"].(int64)
	held.Expires, _ = columns["expires"].(time.Time)
	held.attempt, _ = columns["attempt"].(gocql.UUID)
	return false, held, nil
}

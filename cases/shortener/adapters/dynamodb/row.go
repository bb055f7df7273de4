package dynamodb

import (
	"fmt"
	"time"

	"designkits/cases/shortener"
)

// A row is the item of a link, or the grave of one, which has no code.
type row struct {
	Key       string          `dynamodbav:"pk"`
	Code      shortener.Code  `dynamodbav:"code,omitempty"`
	Target    string          `dynamodbav:"target,omitempty"`
	Owner     shortener.Owner `dynamodbav:"owner,omitempty"`
	Made      string          `dynamodbav:"made,omitempty"`    // orders an owner's links
	Created   int64           `dynamodbav:"created,omitempty"` // milliseconds since 1970
	Expires   int64           `dynamodbav:"expires,omitempty"` // milliseconds; none is never
	Permanent bool            `dynamodbav:"permanent,omitempty"`
	Version   int64           `dynamodbav:"version"`
	Attempt   string          `dynamodbav:"attempt"`       // the write that made it
	TTL       int64           `dynamodbav:"ttl,omitempty"` // seconds; from then on it may be collected
}

// keyOf is the partition key of a code: a generated code stands for itself, an
// alias for all that look like it.
func keyOf(code shortener.Code) string {
	if code.Generated() {
		return linkPrefix + string(code)
	}
	return aliasPrefix + shortener.Skeleton(string(code))
}

// madeOf orders links by their creation, and those of one millisecond by code.
func madeOf(p shortener.Place) string { return fmt.Sprintf("%013d#%s", p.Created.UnixMilli(), p.Code) }

// remember is how long an item is kept after its link is gone. Until then a new
// claim of the alias goes on above its versions, even if the claimant's clock is
// behind, so that caches, which keep the higher version, take the new link over
// the old one. It must be longer than any cache keeps an entry.
const remember = 48 * time.Hour

// rowOf is the item of a link that may be collected some time after it is over.
func (s *Links) rowOf(l shortener.Link, attempt string) row {
	r := row{
		Key: keyOf(l.Code), Code: l.Code, Target: l.Target, Owner: l.Owner,
		Made: madeOf(shortener.Place{Created: l.Created, Code: l.Code}), Created: l.Created.UnixMilli(),
		Permanent: l.Permanent, Version: l.Version, Attempt: attempt,
	}
	if !l.Expires.IsZero() {
		r.Expires = l.Expires.UnixMilli()
		r.TTL = l.Expires.Add(s.db.config.Grace + remember + time.Second).Unix() // rounded up
	}
	return r
}

// graveOf is what is left under the key of a link that is deleted.
func (s *Links) graveOf(r row, attempt string) row {
	return row{Key: r.Key, Version: r.Version + 1, Attempt: attempt, TTL: s.db.config.Now().Add(remember).Unix()}
}

func (r row) link() shortener.Link {
	l := shortener.Link{
		Code: r.Code, Target: r.Target, Owner: r.Owner, Created: time.UnixMilli(r.Created).UTC(),
		Permanent: r.Permanent, Version: r.Version,
	}
	if r.Expires != 0 {
		l.Expires = time.UnixMilli(r.Expires).UTC()
	}
	return l
}

// empty reports whether the item holds no link, now: there is none, it is a
// grave, or its grace is over and TTL hasn't collected it yet.
func (s *Links) empty(r row) bool {
	return r.Code == "" || r.Expires != 0 && !s.db.config.Now().Before(time.UnixMilli(r.Expires).Add(s.db.config.Grace))
}

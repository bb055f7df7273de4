package cassandra

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/shortener/clicks"
)

// Salts is the clicks.SaltStore.
type Salts struct{ db *DB }

// Salts returns the store of daily salts.
func (db *DB) Salts() *Salts { return &Salts{db} }

var _ clicks.SaltStore = (*Salts)(nil)

// saltLifetime is how long after the beginning of its day a salt is dropped.
const saltLifetime = 48 * time.Hour

// Salt claims the day for the candidate, or returns the one that came first.
func (s *Salts) Salt(ctx context.Context, day time.Time, candidate []byte) (salt []byte, err error) {
	day = day.UTC().Truncate(24 * time.Hour)
	date := day.Format(time.DateOnly)
	left := int(day.Add(saltLifetime).Sub(s.db.config.Now()).Seconds())
	if left <= 0 {
		return nil, fmt.Errorf("cassandra: salt of %s: it was dropped two days after that day began, and no new one is made", date)
	}
	err = s.db.run(ctx, "get salt", date, 2*s.db.config.Timeout, func(ctx context.Context) error {
		for tries := 0; ; tries++ {
			held := map[string]any{}
			applied, err := conditional(ctx, s.db.session.Query(`INSERT INTO visitor_salts (day, salt) VALUES (?, ?) IF NOT EXISTS USING TTL ?`, day, candidate, left), held)
			switch {
			case applied:
				salt = candidate
				return nil
			case err == nil:
				var ok bool
				if salt, ok = held["salt"].([]byte); !ok {
					return fmt.Errorf("the row holds no salt")
				}
				return nil
			case !tryAgain(err, tries):
				return err
			}
			if err := pause(ctx, tries); err != nil {
				return err
			}
		}
	})
	return salt, err
}

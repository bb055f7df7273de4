package cassandra

import (
	"context"
	"fmt"
	"sync/atomic"

	"designkits/cases/shortener/codes"
)

// Ranges is the codes.RangeStore: one row with the next number, moved on by
// compare-and-set.
type Ranges struct {
	db      *DB
	counter string // the row's name
	// guess is where this process believes the counter to be. It is right
	// unless another has leased since, and then the refusal tells the truth: a
	// lease is one round trip in the usual case and two in the other.
	guess atomic.Int64
}

// Ranges returns the store of code ranges.
func (db *DB) Ranges() *Ranges { return db.counter("codes") }

func (db *DB) counter(name string) *Ranges { return &Ranges{db: db, counter: name} }

var _ codes.RangeStore = (*Ranges)(nil)

// Bind creates the counter with the first key that comes.
func (s *Ranges) Bind(ctx context.Context, fingerprint string) error {
	return s.db.run(ctx, "bind counter to key", fingerprint, 2*s.db.config.Timeout, func(ctx context.Context) error {
		for tries := 0; ; tries++ {
			held := map[string]any{}
			applied, err := conditional(ctx, s.db.session.Query(`INSERT INTO code_ranges (name, next, key_fingerprint) VALUES (?, 0, ?) IF NOT EXISTS`, s.counter, fingerprint), held)
			switch {
			case err == nil && (applied || held["key_fingerprint"] == fingerprint):
				next, _ := held["next"].(int64)
				s.guess.Store(next)
				return nil
			case err == nil:
				return fmt.Errorf("%w (the counter has %v, this key is %s)", codes.ErrOtherKey, held["key_fingerprint"], fingerprint)
			case !tryAgain(err, tries):
				return err
			}
			if err := pause(ctx, tries); err != nil {
				return err
			}
		}
	})
}

// Lease moves the counter on. When the answer to a write is lost the range may
// be taken or not; the next try then starts from what the counter holds, so
// that range is skipped and never used.
func (s *Ranges) Lease(ctx context.Context, n uint64) (first uint64, err error) {
	if n == 0 || n > codes.Space {
		return 0, fmt.Errorf("cassandra: lease %d codes: a range has 1 to %d", n, codes.Space)
	}
	err = s.db.run(ctx, "lease codes", "", 2*s.db.config.Timeout, func(ctx context.Context) error {
		for tries := 0; ; tries++ {
			next := s.guess.Load()
			held := map[string]any{}
			applied, err := conditional(ctx, s.db.session.Query(`UPDATE code_ranges SET next = ? WHERE name = ? IF next = ?`, next+int64(n), s.counter, next), held)
			if applied {
				s.guess.CompareAndSwap(next, next+int64(n))
				first = uint64(next)
				return nil
			}
			if err != nil && !tryAgain(err, tries) {
				return err
			}
			if err == nil {
				truth, ok := held["next"].(int64)
				if !ok {
					return fmt.Errorf("there is no counter: bind it first")
				}
				s.guess.Store(truth)
				if tries == 0 {
					continue // the usual way when another has leased in between
				}
			}
			if err := pause(ctx, tries); err != nil {
				return err
			}
		}
	})
	return first, err
}

package cassandra

import (
	"context"
	"fmt"
	"math/rand/v2"

	"designkits/cases/messaging"
	"designkits/shared/cql"
)

// Prekeys is the messaging.Prekeys. A one-time prekey is a row. Who deletes it,
// by a lightweight transaction, has it.
type Prekeys struct{ db *DB }

// Prekeys returns the store of devices' bundles.
func (db *DB) Prekeys() *Prekeys { return &Prekeys{db} }

var _ messaging.Prekeys = (*Prekeys)(nil)

// Publish stores the identity and the signed prekey by the clock of the node that
// takes them, since only the device itself writes them, one after the other; and
// the one-time prekeys with timestamp 1, under which a claim's deletion is.
func (s *Prekeys) Publish(ctx context.Context, b messaging.Bundle) error {
	if err := b.Check(); err != nil {
		return err
	}
	if len(b.OneTime) > 0 {
		left, err := s.Count(ctx, b.Device)
		if err != nil {
			return err
		}
		if err := b.CheckLeft(left); err != nil {
			return err
		}
	}
	return s.db.run(ctx, "publish prekeys", b.Device.String(), func(ctx context.Context) error {
		user, device := string(b.Device.User), int(b.Device.Device)
		partition := "prekeys " + b.Device.String()
		writes := []cql.Write{{
			Partition: partition,
			Statement: `INSERT INTO prekeys (user, device, identity, signed) VALUES (?, ?, ?, ?)`,
			Values:    []any{user, device, b.Identity, b.Signed},
		}}
		for _, p := range b.OneTime {
			writes = append(writes, cql.Write{
				Partition: partition,
				Statement: `INSERT INTO prekeys (user, device, id, key) VALUES (?, ?, ?, ?) USING TIMESTAMP 1`,
				Values:    []any{user, device, int64(p.ID), p.Key},
			})
		}
		return s.db.writer.do(ctx, writes)
	})
}

// candidates is among how many prekeys a claim picks, at random: who claims at
// the same moment picks another, most of the time.
const candidates = 16

// Claim reads the bundle with some one-time prekeys and deletes one of them. When
// another was faster, it tries the next; when all are gone, it looks again.
func (s *Prekeys) Claim(ctx context.Context, a messaging.Address) (b messaging.Bundle, err error) {
	err = s.db.decide(ctx, "claim prekey", a.String(), func(ctx context.Context) error {
		for tries := 0; ; {
			var left []messaging.Prekey
			if b, left, err = s.bundle(ctx, a); err != nil || len(left) == 0 {
				return err
			}
			rand.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
			for _, p := range left {
				applied, err := cql.Conditional(ctx, s.db.session.Query(`DELETE FROM prekeys WHERE user = ? AND device = ? AND id = ? IF EXISTS`,
					string(a.User), int(a.Device), int64(p.ID)), map[string]any{})
				if applied {
					b.OneTime = []messaging.Prekey{p}
					return nil
				}
				if err != nil {
					// Whether this one is gone doesn't matter: it isn't used. Another is.
					if tries++; !cql.TryAgain(err, tries) {
						return err
					}
					if err := cql.Pause(ctx, tries); err != nil {
						return err
					}
				}
			}
		}
	})
	if err != nil {
		return messaging.Bundle{}, err
	}
	return b, nil
}

// bundle reads what the device has published, and some of its one-time prekeys.
func (s *Prekeys) bundle(ctx context.Context, a messaging.Address) (b messaging.Bundle, left []messaging.Prekey, err error) {
	b.Device = a
	rows := s.db.read(ctx, `SELECT identity, signed, id, key FROM prekeys WHERE user = ? AND device = ? LIMIT ?`,
		string(a.User), int(a.Device), candidates).Iter()
	var id int64
	var key []byte
	for rows.Scan(&b.Identity, &b.Signed, &id, &key) {
		if len(key) > 0 { // else it is the rest of the bundle alone
			left = append(left, messaging.Prekey{ID: uint32(id), Key: key})
		}
		key = nil
	}
	if err := rows.Close(); err != nil {
		return b, nil, err
	}
	if len(b.Signed) == 0 {
		return b, nil, messaging.ErrNotFound
	}
	return b, left, nil
}

// Count counts the one-time prekeys.
func (s *Prekeys) Count(ctx context.Context, a messaging.Address) (n int, err error) {
	err = s.db.run(ctx, "count prekeys", a.String(), func(ctx context.Context) error {
		return s.db.read(ctx, `SELECT COUNT(key) FROM prekeys WHERE user = ? AND device = ?`, string(a.User), int(a.Device)).Scan(&n)
	})
	return n, err
}

// Withdraw deletes the partition, past all clocks: the number of a device isn't
// given again, so what is published late is for nobody.
func (s *Prekeys) Withdraw(ctx context.Context, a messaging.Address) error {
	return s.db.run(ctx, "withdraw prekeys", a.String(), func(ctx context.Context) error {
		return s.db.read(ctx, fmt.Sprintf(`DELETE FROM prekeys USING TIMESTAMP %d WHERE user = ? AND device = ?`, int64(1)<<62),
			string(a.User), int(a.Device)).Exec()
	})
}

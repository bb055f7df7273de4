package cassandra

import (
	"context"
	"encoding/hex"

	"github.com/gocql/gocql"

	"designkits/cases/shortener"
)

// Keys is the shortener.KeyStore. Its writes are plain ones by the clock of the
// node that takes them: an operator makes them, one at a time.
type Keys struct{ db *DB }

// Keys returns the store of API keys.
func (db *DB) Keys() *Keys { return &Keys{db} }

var _ shortener.KeyStore = (*Keys)(nil)

// name shortens a hash for an error: enough to find it, and no secret.
func name(hash shortener.KeyHash) string { return hex.EncodeToString(hash[:4]) }

// PutKey stores the key.
func (s *Keys) PutKey(ctx context.Context, hash shortener.KeyHash, key shortener.Key) error {
	return s.db.run(ctx, "put API key", name(hash), s.db.config.Timeout, func(ctx context.Context) error {
		return s.db.session.Query(`INSERT INTO api_keys (hash, owner, rate, burst, links_per_day) VALUES (?, ?, ?, ?, ?)`,
			hash[:], string(key.Owner), key.Rate, key.Burst, key.LinksPerDay).WithContext(ctx).Exec()
	})
}

// Key returns the key, or ErrNoKey.
func (s *Keys) Key(ctx context.Context, hash shortener.KeyHash) (key shortener.Key, err error) {
	err = s.db.run(ctx, "get API key", name(hash), s.db.config.Timeout, func(ctx context.Context) error {
		err := s.db.session.Query(`SELECT owner, rate, burst, links_per_day FROM api_keys WHERE hash = ?`, hash[:]).
			Idempotent(true).WithContext(ctx).Scan((*string)(&key.Owner), &key.Rate, &key.Burst, &key.LinksPerDay)
		if err == gocql.ErrNotFound {
			return shortener.ErrNoKey
		}
		return err
	})
	return key, err
}

// DeleteKey removes the key.
func (s *Keys) DeleteKey(ctx context.Context, hash shortener.KeyHash) error {
	return s.db.run(ctx, "delete API key", name(hash), s.db.config.Timeout, func(ctx context.Context) error {
		return s.db.session.Query(`DELETE FROM api_keys WHERE hash = ?`, hash[:]).WithContext(ctx).Exec()
	})
}

package shortener

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// A Key is what an API key allows, and in whose name.
type Key struct {
	Owner       Owner
	Rate        float64 // requests a second, sustained
	Burst       int     // requests at once
	LinksPerDay int     // new links at once, and again within a day (see PerDay)
}

// A KeyHash is the SHA-256 of an API key's secret, all that is stored of it.
// A plain hash is enough here, unlike for a password: the secret has 256 random
// bits, so there is nothing to guess that a slow hash would protect.
type KeyHash [sha256.Size]byte

// A KeyStore keeps API keys by the hash of their secret.
type KeyStore interface {
	// PutKey stores the key, or replaces what the hash stood for.
	PutKey(ctx context.Context, hash KeyHash, key Key) error
	// Key returns the key, or ErrNoKey.
	Key(ctx context.Context, hash KeyHash) (Key, error)
	// DeleteKey removes the key; removing what is not there is no error.
	DeleteKey(ctx context.Context, hash KeyHash) error
}

// keyPrefix makes a leaked key recognisable to those who scan for them.
const keyPrefix = "dksl_"

// NewSecret makes the secret of a new API key. It is shown once and can't be
// had again: only its hash is stored.
func NewSecret() (secret string, hash KeyHash) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails, see crypto/rand
	secret = keyPrefix + base64.RawURLEncoding.EncodeToString(random)
	return secret, sha256.Sum256([]byte(secret))
}

// HashSecret returns the hash of a secret that a caller has sent, or ErrNoKey
// for what can't be one, which then needn't be looked up.
func HashSecret(secret string) (KeyHash, error) {
	if len(secret) != len(keyPrefix)+base64.RawURLEncoding.EncodedLen(32) || !strings.HasPrefix(secret, keyPrefix) {
		return KeyHash{}, ErrNoKey
	}
	return sha256.Sum256([]byte(secret)), nil
}

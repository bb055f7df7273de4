package shortener

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"time"
)

// A SaltStore keeps one random salt a day, shared by all replicas.
type SaltStore interface {
	// Salt returns the salt of a day (midnight, UTC). Where the day has none,
	// candidate becomes it; of any number of concurrent callers all get the
	// same one. The store drops a salt for good two days after its day began:
	// from then on nobody can try addresses against the day's hashes.
	Salt(ctx context.Context, day time.Time, candidate []byte) ([]byte, error)
}

// saltSize is the size of a day's salt in bytes.
const saltSize = 32

// visitorSize is how many bytes of the hash are kept. At 96 bits two of a
// billion visitors of one day share a hash with a chance of 1 in 10^10.
const visitorSize = 12

// Visitors turns an address and an agent into a hash that tells two visitors
// of one day apart, and that says nothing once the day's salt is gone. Nothing
// else of the address leaves the process.
type Visitors struct {
	store SaltStore

	mu    sync.Mutex
	salts map[time.Time][]byte // of the last days asked for, at most keptSalts
}

// keptSalts is one for today, and one for yesterday around midnight.
const keptSalts = 2

// NewVisitors returns Visitors whose salts are kept in store.
func NewVisitors(store SaltStore) *Visitors {
	return &Visitors{store: store, salts: map[time.Time][]byte{}}
}

// Hash returns the hash of the visitor with that address and agent on the day
// of at. It asks the store at most once a day as long as that answers; its
// error is the store's and may be retried.
func (v *Visitors) Hash(ctx context.Context, at time.Time, address, agent string) (string, error) {
	salt, err := v.salt(ctx, at.UTC().Truncate(24*time.Hour))
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, salt)
	// The length keeps "a"+"bc" and "ab"+"c" apart.
	fmt.Fprintf(mac, "%d|%s|%s", len(address), address, agent)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:visitorSize]), nil
}

func (v *Visitors) salt(ctx context.Context, day time.Time) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if salt, ok := v.salts[day]; ok {
		return salt, nil
	}
	candidate := make([]byte, saltSize)
	_, _ = rand.Read(candidate) // never fails, see crypto/rand
	salt, err := v.store.Salt(ctx, day, candidate)
	if err != nil {
		return nil, fmt.Errorf("salt of %s: %w", day.Format(time.DateOnly), err)
	}
	for len(v.salts) >= keptSalts {
		oldest := day
		for d := range v.salts {
			if d.Before(oldest) {
				oldest = d
			}
		}
		if oldest.Equal(day) { // an old day is asked for: not worth keeping
			return salt, nil
		}
		delete(v.salts, oldest)
	}
	v.salts[day] = salt
	return salt, nil
}

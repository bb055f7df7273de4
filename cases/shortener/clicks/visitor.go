package clicks

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"sync"
	"time"

	"designkits/shared/pause"
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
//
// NewVisitors fetches the first salt and Run the following ones beforehand, so
// that Hash never waits for the store. Should the store be away when a day's salt is first needed, a random one of
// this process stands in: every click is counted all the same, and a visitor
// at worst once for each replica and once more when the store is back.
type Visitors struct {
	store SaltStore

	mu    sync.Mutex
	salts map[time.Time]hash.Hash // HMACs keyed by it, by day: yesterday, today, and tomorrow before midnight
	own   hash.Hash
}

// NewVisitors returns Visitors whose salts are kept in store, and fetches that
// of today, so that nobody who comes first is counted twice. For that it waits
// longer than Run: on a busy machine a store that has answered just now may take
// seconds. One that is away is no error: Run goes on asking.
func NewVisitors(ctx context.Context, store SaltStore) *Visitors {
	v := &Visitors{store: store, salts: map[time.Time]hash.Hash{}, own: hmac.New(sha256.New, randomSalt())}
	const patience, retry = 20 * time.Second, 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for v.fetch(ctx, dayOf(time.Now())) != nil && pause.For(ctx, retry) {
	}
	return v
}

func randomSalt() []byte {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	return salt
}

// Run keeps the salts of the days at hand until ctx ends.
func (v *Visitors) Run(ctx context.Context) error {
	// The next day's is fetched an hour early, each time asking once a second
	// until the store answers.
	const early, retry, look, within = time.Hour, time.Second, time.Minute, 2 * time.Second
	for {
		wait := look
		now := time.Now()
		for _, day := range []time.Time{dayOf(now), dayOf(now.Add(early))} {
			asking, cancel := context.WithTimeout(ctx, within)
			if err := v.fetch(asking, day); err != nil {
				wait = retry
			}
			cancel()
		}
		if !pause.For(ctx, wait) {
			return nil
		}
	}
}

func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// fetch asks the store for the salt of a day, unless it is known, and forgets
// those of days gone by.
func (v *Visitors) fetch(ctx context.Context, day time.Time) error {
	if v.known(day) {
		return nil
	}
	salt, err := v.store.Salt(ctx, day, randomSalt())
	if err != nil {
		return fmt.Errorf("fetch the salt of %s: %w", day.Format(time.DateOnly), err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.salts[day] = hmac.New(sha256.New, salt)
	for d := range v.salts {
		if day.Sub(d) > 48*time.Hour {
			delete(v.salts, d)
		}
	}
	return nil
}

// known reports whether the shared salt of a day is at hand.
func (v *Visitors) known(day time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.salts[day]
	return ok
}

// Hash returns the hash of the visitor with that address and agent on the day
// of at. It does no I/O.
func (v *Visitors) Hash(at time.Time, address, agent string) string {
	day := dayOf(at)
	// The length keeps "a"+"bc" and "ab"+"c" apart. The day matters only for a
	// salt of our own, which outlives it.
	text := make([]byte, 0, 256)
	text = strconv.AppendInt(text, day.Unix(), 10)
	text = append(text, '|')
	text = strconv.AppendInt(text, int64(len(address)), 10)
	text = append(text, '|')
	text = append(text, address...)
	text = append(text, '|')
	text = append(text, agent...)

	v.mu.Lock()
	defer v.mu.Unlock()
	mac, ok := v.salts[day]
	if !ok {
		mac = v.own
	}
	mac.Reset()
	mac.Write(text) // never fails, see hash.Hash
	return base64.RawURLEncoding.EncodeToString(mac.Sum(text[:0])[:visitorSize])
}

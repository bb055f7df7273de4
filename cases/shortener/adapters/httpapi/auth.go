package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/httpjson"
	"designkits/shared/peer"

	"github.com/maypok86/otter/v2"
)

// A keyRing asks the store for a key once in a while. A key that is removed
// works on for keysHeldFor.
type keyRing struct {
	store shortener.KeyStore
	held  *otter.Cache[shortener.KeyHash, heldKey]
	clock func() time.Time
}

type heldKey struct {
	key   shortener.Key
	since time.Time
}

const (
	keysHeldFor = time.Minute
	keysHeld    = 10_000
)

func newKeyRing(store shortener.KeyStore, clock func() time.Time) *keyRing {
	return &keyRing{store: store, clock: clock, held: otter.Must(&otter.Options[shortener.KeyHash, heldKey]{MaximumSize: keysHeld})}
}

// find returns the key of a secret, or ErrNoKey. Unknown ones are not kept:
// the limit of their address bounds how often they are asked for.
func (k *keyRing) find(ctx context.Context, hash shortener.KeyHash) (shortener.Key, error) {
	now := k.clock()
	if h, ok := k.held.GetIfPresent(hash); ok && now.Sub(h.since) < keysHeldFor {
		return h.key, nil
	}
	key, err := k.store.Key(ctx, hash)
	if err != nil {
		return shortener.Key{}, err
	}
	k.held.Set(hash, heldKey{key, now})
	return key, nil
}

// authorize finds out whose request it is and charges it to their key, with
// links more links to be made.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, links int) (shortener.Key, error) {
	key, err := s.identify(w, r)
	if err != nil {
		return shortener.Key{}, err
	}
	return key, s.charge(r.Context(), w, ownerBuckets(key, 1, links)...)
}

// identify finds out whose request it is. Without a good key it is charged to
// the address, so that keys can't be guessed.
func (s *Server) identify(w http.ResponseWriter, r *http.Request) (shortener.Key, error) {
	key, err := s.keyOf(r)
	if errors.Is(err, shortener.ErrNoKey) {
		if err := s.chargeAddress(w, r); err != nil {
			return shortener.Key{}, err
		}
	}
	return key, err
}

func (s *Server) keyOf(r *http.Request) (shortener.Key, error) {
	hash, err := hashOf(r)
	if err != nil {
		return shortener.Key{}, err
	}
	return s.keys.find(r.Context(), hash)
}

// hashOf is that of the secret that was sent, or ErrNoKey.
func hashOf(r *http.Request) (shortener.KeyHash, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return shortener.KeyHash{}, shortener.ErrNoKey
	}
	return shortener.HashSecret(strings.TrimSpace(secret))
}

// erase removes the caller's links, their counts, and at last the key. It can be
// asked again until it succeeds. Another replica may know the key for
// keysHeldFor.
func (s *Server) erase(w http.ResponseWriter, r *http.Request) error {
	key, err := s.authorize(w, r, 0)
	if err != nil {
		return err
	}
	if err := httpjson.None(w, r); err != nil {
		return err
	}
	if err := s.Links.Erase(r.Context(), key.Owner); err != nil {
		return err
	}
	hash, err := hashOf(r)
	if err != nil {
		return err
	}
	if err := s.Keys.DeleteKey(r.Context(), hash); err != nil {
		return err
	}
	s.keys.held.Invalidate(hash)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// ownerBuckets are the buckets of a key: its rate, and its new links.
func ownerBuckets(key shortener.Key, requests, links int) []shortener.Bucket {
	names := shortener.BucketsOf(key.Owner)
	buckets := []shortener.Bucket{{Key: names[0], Counts: "requests of a key at once", Burst: key.Burst, Refill: key.Rate, Cost: requests}}
	if links > 0 {
		buckets = append(buckets, shortener.PerDay(names[1], "new links of a key a day", key.LinksPerDay, links))
	}
	return buckets
}

// What an address may ask for without a key.
const (
	anonymousBurst  = 60
	anonymousRefill = 2 // a second
)

func (s *Server) chargeAddress(w http.ResponseWriter, r *http.Request) error {
	addr := peer.Network(s.client(r)).String()
	return s.charge(r.Context(), w, shortener.Bucket{
		Key: "address/" + addr + "/anonymous", Counts: "requests of an address without a key at once", Burst: anonymousBurst, Refill: anonymousRefill, Cost: 1,
	})
}

// charge takes the cost from the buckets, says in the headers how they stand,
// and returns a *TooMany when one of them is empty.
func (s *Server) charge(ctx context.Context, w http.ResponseWriter, buckets ...shortener.Bucket) error {
	verdict, err := s.Limiter.Take(ctx, buckets...)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(verdict.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(verdict.Remaining))
	h.Set("X-RateLimit-Reset", seconds(verdict.Reset))
	if !verdict.Allowed {
		return &shortener.TooMany{Limit: verdict.Limit, Counts: verdict.Counts, RetryAfter: verdict.RetryAfter}
	}
	return nil
}

// newKey makes a key for whoever asks, so that anybody can try the service; how
// many an address gets a day is bounded.
func (s *Server) newKey(w http.ResponseWriter, r *http.Request) error {
	addr := peer.Network(s.client(r)).String()
	if err := s.charge(r.Context(), w, shortener.PerDay("address/"+addr+"/keys", "new keys of an address a day", s.PerDay, 1)); err != nil {
		return err
	}
	if err := httpjson.None(w, r); err != nil {
		return err
	}
	key := s.NewKeys
	key.Owner = newOwner()
	secret, hash := shortener.NewSecret()
	if err := s.Keys.PutKey(r.Context(), hash, key); err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusCreated, newKeyJSON{
		Key: secret, Owner: string(key.Owner),
		Rate: key.Rate, Burst: key.Burst, LinksPerDay: key.LinksPerDay,
	})
}

type newKeyJSON struct {
	Key         string  `json:"key"`
	Owner       string  `json:"owner"`
	Rate        float64 `json:"rate"`
	Burst       int     `json:"burst"`
	LinksPerDay int     `json:"linksPerDay"`
}

// newOwner makes a name that says nothing.
func newOwner() shortener.Owner {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return shortener.Owner(hex.EncodeToString(random[:]))
}

package shortener

import (
	"math/rand/v2"
	"time"
)

// A held is an entry in process. It doesn't change.
type held struct {
	Entry
	checked time.Duration // when (Elapsed) it was known to hold
	ttl     time.Duration
}

// at is what the entry means at a time.
func (h *held) at(now time.Time) (Link, error) {
	switch {
	case h.Missing:
		return Link{}, ErrNotFound
	case !h.Link.Expired(now):
		return h.Link, nil
	case now.Before(h.Link.Expires.Add(GracePeriod)):
		return h.Link, ErrExpired
	}
	return Link{}, ErrNotFound
}

// jitter takes off up to a tenth, so that what was filled at once, after a
// restart or by a bulk of new links, doesn't expire at once.
func jitter(ttl time.Duration) time.Duration {
	return ttl - time.Duration(rand.Int64N(int64(ttl)/10+1))
}

// weight is about the entry's bytes; 300 are what the cache and the structs need.
func (h *held) weight() uint32 {
	return uint32(300 + 2*len(h.Link.Code) + len(h.Link.Target) + len(h.Link.Owner))
}

// cacheClock gives the in-process cache what its entries age by. It doesn't tick:
// expired entries leave as others come, without a goroutine to see to it.
type cacheClock func() time.Duration

func (c cacheClock) NowNano() int64                      { return int64(c()) }
func (c cacheClock) Tick(time.Duration) <-chan time.Time { return nil }

// ResolverFigures are counts since the start.
type ResolverFigures struct {
	Hits         int64 `json:"hits"`         // answered in process
	Coalesced    int64 `json:"coalesced"`    // waited for another's read
	SharedHits   int64 `json:"sharedHits"`   // answered by the shared cache
	StoreReads   int64 `json:"storeReads"`   // went to the store
	Stale        int64 `json:"stale"`        // answered from memory since the store was away
	StoreErrors  int64 `json:"storeErrors"`  //
	SharedErrors int64 `json:"sharedErrors"` // calls refused by the breaker among them
	Unfilled     int64 `json:"unfilled"`     // not put into the shared cache since too many waited
	Held         int64 `json:"held"`         // entries in process now
}

// Figures returns the counts.
func (r *Resolver) Figures() ResolverFigures {
	return ResolverFigures{
		Hits: r.hits.Load(), Coalesced: r.coalesced.Load(), SharedHits: r.sharedHits.Load(),
		StoreReads: r.storeReads.Load(), Stale: r.stale.Load(),
		StoreErrors: r.storeErrors.Load(), SharedErrors: r.sharedErrors.Load(), Unfilled: r.unfilled.Load(),
		Held: int64(r.held.EstimatedSize()),
	}
}

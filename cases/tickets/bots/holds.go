package bots

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"designkits/cases/tickets"
)

// Holds bounds how often an account may hold seats of one event within a while,
// whatever becomes of the holds: who lets seats go and holds them again keeps
// them from everybody without ever paying.
//
// Only holds that were granted count, and the first that a replica grants to an
// account counts for nothing: most people make one, and it costs no look at the
// store that all replicas count in. A replica learns that an account has held too
// often when it grants the last hold. So each replica beside the first may grant
// two more.
//
// The zero value bounds nothing. Its methods may be called by many goroutines.
type Holds struct {
	Limits Limits
	Most   int           // within Window, at least 2; 0 for any number
	Window time.Duration // a count goes on for so long
	Now    func() time.Time

	mu sync.Mutex
	// Who has held here since a time and in the window before it, and until when
	// nothing more is granted.
	lately, before map[holder]time.Time
	since          time.Time
}

type holder struct {
	event   tickets.EventID
	account tickets.Account
}

// mostHolders is how many accounts are kept before the older ones are forgotten,
// some 15 MB; whoever is forgotten may hold once more.
const mostHolders = 1 << 17

// A HeldTooOften is an account that may not hold seats of the event for a while.
// Nothing was changed.
type HeldTooOften struct {
	Most       int
	Window     time.Duration
	RetryAfter time.Duration
}

func (e *HeldTooOften) Error() string {
	return fmt.Sprintf("this account has held seats of this event %d times within %s: order what you hold, or come back later", e.Most, e.Window)
}

// May returns a *HeldTooOften when the account may not hold seats of the event
// now, nor repeat the request for its last hold. It asks no store.
func (h *Holds) May(event tickets.EventID, account tickets.Account) error {
	if h.Most == 0 {
		return nil
	}
	until, _ := h.known(holder{event, account})
	if left := until.Sub(h.Now()); left > 0 {
		return &HeldTooOften{h.Most, h.Window, left}
	}
	return nil
}

// Held notes a hold that was granted. One that isn't the account's first counts as
// a try of its device and its address too (Tries), so that the next account which
// comes from there has more work. After an error it may have been counted.
func (h *Holds) Held(ctx context.Context, event tickets.EventID, account tickets.Account, from netip.Addr, header http.Header) error {
	if h.Most == 0 {
		return nil
	}
	who := holder{event, account}
	if _, again := h.known(who); !again {
		h.keep(who, time.Time{})
		return nil
	}
	n, err := h.Limits.Count(ctx, h.Window, "holds:"+string(event)+":"+string(account))
	if err == nil && from.IsValid() {
		_, err = h.Limits.Count(ctx, Window, origins(from, header)...)
	}
	if err != nil {
		return fmt.Errorf("count the holds of %s: %w", account, err)
	}
	until := time.Time{}
	if n[0]+1 >= h.Most {
		until = h.Now().Add(h.Window / 2)
	}
	h.keep(who, until)
	return nil
}

// known returns until when nothing is granted to whoever has held here.
func (h *Holds) known(who holder) (until time.Time, held bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until, held = h.lately[who]; !held {
		until, held = h.before[who]
	}
	return until, held
}

func (h *Holds) keep(who holder, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.Now(); h.lately == nil || now.Sub(h.since) >= h.Window || len(h.lately) >= mostHolders {
		h.before, h.lately, h.since = h.lately, map[holder]time.Time{}, now
	}
	h.lately[who] = until
}

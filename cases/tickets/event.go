package tickets

import (
	"fmt"
	"strings"
	"time"
)

// Cents is an amount of money in the hundredth part of its currency.
type Cents int64

// An Event is one evening in one hall, and how it is sold.
type Event struct {
	ID       EventID
	Name     string
	Venue    string // of package venue
	Starts   time.Time
	OnSale   time.Time // nobody holds a seat before
	Room     bool      // who wants seats comes through the waiting room
	Currency string    // ISO 4217: "EUR"
	Prices   map[string]Cents
	// PerAccount is how many tickets of the event one account may hold and own
	// together.
	PerAccount int
	// HoldFor is how long a hold lasts, and MaxHold how long with all extensions.
	HoldFor, MaxHold time.Duration
	// Moving is the hall that it is about to move to; nothing is sold meanwhile.
	Moving string `json:"-"`
}

// Bounds of an event.
const (
	maxName       = 200
	maxPrice      = Cents(10_000_00)
	maxPerAccount = 50
	minHold       = 10 * time.Second
	longestHold   = time.Hour
)

// Check returns an *Invalid unless the event can be sold in a hall with these
// price tiers.
func (e Event) Check(tiers []string) error {
	switch {
	case e.ID == "" || strings.ContainsAny(string(e.ID), "/ :{}") || len(e.ID) > 64:
		return &Invalid{"id", "must be a word of at most 64 bytes"}
	case e.Name == "" || len(e.Name) > maxName:
		return &Invalid{"name", fmt.Sprintf("must be there and at most %d bytes", maxName)}
	case len(e.Currency) != 3:
		return &Invalid{"currency", "must be a code of three letters like EUR"}
	case e.Starts.IsZero() || !e.OnSale.Before(e.Starts):
		return &Invalid{"onSale", "must be before the event starts"}
	case e.PerAccount < 1 || e.PerAccount > maxPerAccount:
		return &Invalid{"perAccount", fmt.Sprintf("must be from 1 to %d", maxPerAccount)}
	case e.HoldFor < minHold || e.MaxHold < e.HoldFor || e.MaxHold > longestHold:
		return &Invalid{"holdFor", fmt.Sprintf("must be from %s to maxHold, and that at most %s", minHold, longestHold)}
	}
	for _, tier := range tiers {
		if price, ok := e.Prices[tier]; !ok || price < 0 || price > maxPrice {
			return &Invalid{"prices", fmt.Sprintf("tier %s needs a price from 0 to %d", tier, maxPrice)}
		}
	}
	if len(e.Prices) != len(tiers) {
		return &Invalid{"prices", "name only tiers of the hall"}
	}
	return nil
}

// A Voucher makes an order cheaper.
type Voucher struct {
	Code    string
	Event   EventID
	Percent int       // off, from 1 to 100
	Uses    int       // orders that may use it, all together
	Until   time.Time // when it ends
}

// Check returns an *Invalid unless the voucher makes sense.
func (v Voucher) Check() error {
	switch {
	case v.Code == "" || len(v.Code) > 64:
		return &Invalid{"code", "must be there and at most 64 bytes"}
	case v.Percent < 1 || v.Percent > 100:
		return &Invalid{"percent", "must be from 1 to 100"}
	case v.Uses < 1:
		return &Invalid{"uses", "must be at least 1"}
	}
	return nil
}

// Off returns what is left to pay of an amount, in favour of the fan where it
// can't be halved.
func (v Voucher) Off(amount Cents) Cents { return amount * Cents(100-v.Percent) / 100 }

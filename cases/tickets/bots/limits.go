package bots

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"designkits/cases/tickets"
)

// Limits count what is tried, for all gates together. Its methods may be called
// by many goroutines in many processes at once.
type Limits interface {
	// Count adds one to each of the keys and returns how many there were of each
	// in the window that ends now, this one included. It may be off by what a
	// sliding count over two fixed windows is off: the window before is taken to
	// have been even. After an error it may have counted.
	Count(ctx context.Context, window time.Duration, keys ...string) ([]int, error)

	// Spend marks something as used until it would have ended anyway, and reports
	// whether it was the first to. After an error it may have been.
	Spend(ctx context.Context, id string, d time.Duration) (first bool, err error)
}

// Window is how long a try counts.
const Window = time.Minute

// MostTries is how often an account may try within a Window; a page that is
// reloaded in excitement stays far below.
const MostTries = 30

// A TooOften is an account that tried too often. Nothing was changed.
type TooOften struct{ RetryAfter time.Duration }

func (e *TooOften) Error() string {
	return fmt.Sprintf("at most %d tries in %s: your place doesn't depend on how often you ask", MostTries, Window)
}

// Try counts a try to join, and returns a *TooOften when that is too often. An
// address without a value counts for nobody.
func Try(ctx context.Context, limits Limits, event tickets.EventID, account tickets.Account, from netip.Addr, header http.Header) (Tries, error) {
	keys := []string{"account:" + string(event) + ":" + string(account)}
	if from.IsValid() {
		keys = append(keys, origins(from, header)...)
	}
	n, err := limits.Count(ctx, Window, keys...)
	if err != nil {
		return Tries{}, fmt.Errorf("count the tries of %s: %w", account, err)
	}
	tries := Tries{Account: n[0]}
	if from.IsValid() {
		tries.Device, tries.Address = n[1], n[2]
	}
	if tries.Account > MostTries {
		return tries, &TooOften{RetryAfter: Window / 2}
	}
	return tries, nil
}

// origins are the keys under which the tries of a device and of an address count.
func origins(from netip.Addr, header http.Header) []string {
	at := from.String()
	return []string{"device:" + at + ":" + Device(header), "address:" + at}
}

// looks are the headers by which devices differ.
var looks = []string{"User-Agent", "Accept-Language", "Accept-Encoding", "Sec-Ch-Ua", "Sec-Ch-Ua-Platform", "Sec-Ch-Ua-Mobile"}

// Device names what a request looks like. Many phones look alike, so it means
// something at one address only.
func Device(h http.Header) string {
	look := make([]byte, 0, 512)
	for _, name := range looks {
		look = append(append(look, h.Get(name)...), '\n') // which no header contains
	}
	hash := sha256.Sum256(look)
	return hex.EncodeToString(hash[:8])
}

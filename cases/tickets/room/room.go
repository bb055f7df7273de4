// Package room is the waiting room before a sale: who comes before it begins
// takes part in a lottery, who comes after queues behind, and so many a second
// are let in as booking can serve.
//
// The lottery is fair in that coming earlier than the others, or more often, is
// worth nothing: an account's place is drawn from its name and a secret of the
// event, so that it is the same however often it asks, whatever restarts, and
// nobody can work it out beforehand.
package room

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"designkits/cases/tickets"
)

// A Room is where accounts wait. Every method may be called by many goroutines
// in many processes at once, and ends with its context's error when the
// context ends.
type Room interface {
	// Join gives the account its place, the same one whenever it is asked for. Who
	// has been admitted already stays so. draw is the account's lot and counts
	// only before the start.
	Join(ctx context.Context, event tickets.EventID, account tickets.Account, draw uint64) error

	// Place returns where the account stands.
	Place(ctx context.Context, event tickets.EventID, account tickets.Account) (Place, error)

	// Open begins the sale: from now on who comes goes to the end. Opening again
	// changes nothing.
	Open(ctx context.Context, event tickets.EventID) error

	// Admit lets in the next n of those who wait, none before Open, and returns
	// them. Each account is let in once.
	Admit(ctx context.Context, event tickets.EventID, n int) ([]tickets.Account, error)

	// Leave takes the account out.
	Leave(ctx context.Context, event tickets.EventID, account tickets.Account) error

	// Waiting is how many wait.
	Waiting(ctx context.Context, event tickets.EventID) (int64, error)
}

// A Place is where somebody stands.
type Place struct {
	Status Status
	// Ahead is how many are before it. Before the sale it isn't told, since the
	// lottery isn't drawn yet.
	Ahead int64
}

// A Status is what an account is to the room.
type Status string

// What an account is to the room.
const (
	Unknown  Status = "unknown"
	Early    Status = "early"   // takes part in the lottery
	Waiting  Status = "waiting" // has a place in the queue
	Admitted Status = "admitted"
)

// Lot returns the account's lot in the event's lottery, uniform below 2^52.
func Lot(secret []byte, event tickets.EventID, account tickets.Account) uint64 {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(event))
	mac.Write([]byte{0})
	mac.Write([]byte(account))
	return binary.BigEndian.Uint64(mac.Sum(nil)) >> 12
}

// Wait estimates how long somebody with so many ahead will wait.
func Wait(ahead int64, perSecond float64) time.Duration {
	if perSecond <= 0 {
		return 0
	}
	return time.Duration(float64(ahead+1) / perSecond * float64(time.Second))
}

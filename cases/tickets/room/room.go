// Package room is the waiting room before a sale: who comes before it begins
// takes part in a lottery, who comes after queues behind, and so many a second
// are let in as booking can serve.
//
// The lottery is fair in that coming earlier than the others, or more often, is
// worth nothing: an account's place is drawn from its name, the event's and a
// secret of the gates, so that it is the same however often it asks, whatever
// restarts, and nobody can work it out beforehand.
package room

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"designkits/cases/tickets"
)

// A Room is where accounts wait. Every method may be called by many goroutines
// in many processes at once, and ends with its context's error when the
// context ends. All but Admit may be repeated after any error.
type Room interface {
	// Join gives the account its place, the same one whenever it is asked for, and
	// returns it. Who has been admitted already stays so. draw is the account's lot and counts
	// only before the start.
	Join(ctx context.Context, event tickets.EventID, account tickets.Account, draw uint64) (Place, error)

	// Places returns where each of the accounts stands, in one look.
	Places(ctx context.Context, event tickets.EventID, accounts ...tickets.Account) ([]Place, error)

	// Leave takes the account out.
	Leave(ctx context.Context, event tickets.EventID, account tickets.Account) error

	// Head returns how far the queue has come.
	Head(ctx context.Context, event tickets.EventID) (Head, error)

	// Open begins the sale: from now on who comes goes to the end. Opening again
	// changes nothing.
	Open(ctx context.Context, event tickets.EventID) error

	// Guard makes the caller the event's doorkeeper for so long, or for so long
	// again, and returns the token to let people in with. It returns ErrGuarded
	// while somebody else is. A later doorkeeper has a higher token.
	Guard(ctx context.Context, event tickets.EventID, keeper string, d time.Duration) (token int64, err error)

	// Admit lets in the next n of those who wait, none before Open, returns them,
	// and notes at what rate. Each account is let in once. It returns ErrRelieved,
	// and lets nobody in, when there has been a doorkeeper with a higher token. An
	// answer that got lost is no loss: Places knows who was let in.
	Admit(ctx context.Context, event tickets.EventID, token int64, n int, rate float64) ([]tickets.Account, error)
}

// The errors of doorkeepers.
var (
	ErrGuarded  = errors.New("another gate lets people in")
	ErrRelieved = errors.New("another gate has begun to let people in")
)

// A Place is where somebody stands.
type Place struct {
	Status Status
	// Ahead is how many are before it. Before the sale it isn't told, since the
	// lottery isn't drawn yet.
	Ahead int64
	// Mark orders who waits: the lower is let in before.
	Mark float64
	// Served is how many had been let in when this was looked up.
	Served int64
	Rate   float64 // how many a second were let in by then
}

// A Head is how far a queue has come.
type Head struct {
	Open    bool
	Waiting int64   // how many wait
	Served  int64   // how many were let in
	Mark    float64 // that of the last of them; nobody with a lower one waits
	Rate    float64 // how many a second are let in, 0 before the first
}

// Behind returns how many are before somebody by now, without looking them up
// again. Those who have left since are still counted, so it is never too few.
func (p Place) Behind(h Head) int64 { return max(p.Ahead-(h.Served-p.Served), 0) }

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

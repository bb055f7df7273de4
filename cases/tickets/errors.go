package tickets

import (
	"errors"
	"fmt"
)

// ErrGone is the error of whoever comes with a hold that is over.
var ErrGone = errors.New("the hold is over")

// A Taken says which seats of a claim somebody else has. It names at least one,
// not always all.
type Taken struct{ Seats []SeatID }

func (e *Taken) Error() string {
	if len(e.Seats) == 1 {
		return fmt.Sprintf("seat %s is taken", e.Seats[0])
	}
	return fmt.Sprintf("seats %v are taken", e.Seats)
}

// An Invalid is input that was refused. Nothing has been stored.
type Invalid struct {
	Field  string
	Reason string
}

func (e *Invalid) Error() string { return e.Field + ": " + e.Reason }

// Expected reports whether the error is one of the domain's own, which a store
// returns as it is; all others are the store's, and say which and where.
func Expected(err error) bool {
	var taken *Taken
	var invalid *Invalid
	return errors.Is(err, ErrGone) || errors.As(err, &taken) || errors.As(err, &invalid)
}

package bench

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"

	"designkits/cases/tickets"
)

// A register is one seat as the model has it: who holds it, by the hold's key,
// and who has bought it. Forgot says that Redis may not know the sale.
type register struct {
	held, sold string
	forgot     bool
}

// What happens to a seat.
const (
	granted = "granted" // a hold
	unknown = "unknown" // a hold that nobody answered: it may have been granted
	refused = "refused" // a hold, since the seat is taken
	ended   = "ended"   // the hold is over, or its order was cancelled
	bought  = "bought"
	crashed = "crashed" // Redis died, and came back without what it hadn't written
)

// An op is something that happened to one seat at some time from Call to
// Return, by the hold that By names.
type op struct {
	Seat         tickets.SeatID
	What, By     string
	Call, Return time.Time
}

// step returns what a seat can be after the op; nothing where it can't have
// happened.
func step(r register, o op) []register {
	taken := r.held != "" || r.sold != "" && !r.forgot
	after := r
	switch o.What {
	case granted, unknown:
		after.held = o.By
		if o.What == unknown {
			if taken {
				return []register{r}
			}
			return []register{r, after}
		}
		if taken {
			return nil
		}
	case refused:
		if r.held == "" && r.sold == "" {
			return nil
		}
	case ended:
		if r.held == o.By {
			after.held = ""
		}
	case bought:
		if r.sold != "" {
			return nil
		}
		after.sold = o.By
		if r.held == o.By {
			after.held = ""
		}
	case crashed:
		return []register{r, {sold: r.sold, forgot: true}, {held: r.held, sold: r.sold, forgot: true}}
	}
	return []register{after}
}

// model is one seat.
var model = porcupine.NondeterministicModel{
	Init: func() []any { return []any{register{}} },
	Step: func(state, input, _ any) []any {
		r, _ := state.(register)
		o, _ := input.(op)
		var states []any
		for _, after := range step(r, o) {
			states = append(states, after)
		}
		return states
	},
}

// impossible returns the seats whose history no order of its ops explains.
func impossible(history []op, within time.Duration) ([]tickets.SeatID, error) {
	seats := map[tickets.SeatID][]porcupine.Operation{}
	for n, o := range history {
		seats[o.Seat] = append(seats[o.Seat], porcupine.Operation{ClientId: n, Input: o, Call: o.Call.UnixNano(), Return: o.Return.UnixNano()})
	}
	var bad []tickets.SeatID
	end := time.Now().Add(within)
	for seat, ops := range seats {
		switch porcupine.CheckOperationsTimeout(model.ToModel(), ops, max(time.Millisecond, time.Until(end))) {
		case porcupine.Illegal:
			bad = append(bad, seat)
		case porcupine.Unknown:
			return bad, fmt.Errorf("the history of %s, %d ops long, could not be checked in %s", seat, len(ops), within)
		}
	}
	return bad, nil
}

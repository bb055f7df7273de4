package crowd

import (
	"fmt"
	"maps"
	"sync"

	"designkits/cases/tickets"
	"designkits/cases/tickets/client"
)

// How people leave.
const (
	Bought    = "bought"
	SoldOut   = "sold out"
	MindLost  = "changed their mind"
	Impatient = "lost patience"
	TooMuch   = "wouldn't work so much" // bots
	Unserved  = "weren't served"
)

// Figures are what has happened to a crowd.
type Figures struct {
	Joined, Worked int // got a place in the waiting room; of them after work
	Admitted       int
	Holds, Orders  int            // granted; accepted
	Done, Undone   int            // orders that ended with tickets, and without
	Seats          map[string]int // of orders that are done, by "fan" and "bot"
	Left           map[string]int // who has gone, by "fan: bought"
	Refused        map[string]int // answers that said no, by their type
}

// BotShare is the bots' part of the seats that were bought, from 0 to 1.
func (f Figures) BotShare() float64 {
	if all := f.Seats["fan"] + f.Seats["bot"]; all > 0 {
		return float64(f.Seats["bot"]) / float64(all)
	}
	return 0
}

// String is a line for a person.
func (f Figures) String() string {
	gone := 0
	for _, n := range f.Left {
		gone += n
	}
	return fmt.Sprintf("%d in the room, %d let in, %d holds, %d orders, %d done, %d undone, seats: fans %d, bots %d; %d have left",
		f.Joined, f.Admitted, f.Holds, f.Orders, f.Done, f.Undone, f.Seats["fan"], f.Seats["bot"], gone)
}

// Seen is an order as its buyer saw it last.
type Seen struct {
	Kind  string // "fan" or "bot"
	Order client.Order
}

type tally struct {
	mu     sync.Mutex
	f      Figures
	orders map[tickets.OrderID]Seen
}

func newTally() *tally {
	return &tally{f: Figures{Seats: map[string]int{}, Left: map[string]int{}, Refused: map[string]int{}}, orders: map[tickets.OrderID]Seen{}}
}

func (t *tally) figures() Figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.f
	f.Seats, f.Left, f.Refused = maps.Clone(f.Seats), maps.Clone(f.Left), maps.Clone(f.Refused)
	return f
}

func (t *tally) seen() map[tickets.OrderID]Seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.orders)
}

// count changes the figures.
func (t *tally) count(change func(*Figures)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.f)
}

func (t *tally) left(kind, outcome string) {
	t.count(func(f *Figures) { f.Left[kind+": "+outcome]++ })
}

// refused counts an answer that said no; nil isn't one.
func (t *tally) refused(err error) {
	if err == nil {
		return
	}
	why := "nobody answered"
	if no, ok := err.(*client.Refusal); ok {
		why = no.Type
	}
	t.count(func(f *Figures) { f.Refused[why]++ })
}

// order notes an order as it is seen.
func (t *tally) order(kind string, o client.Order) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, known := t.orders[o.ID]
	t.orders[o.ID] = Seen{kind, o}
	if !known {
		t.f.Orders++
	}
	if !o.Ended || before.Order.Ended {
		return
	}
	if o.State != tickets.Done {
		t.f.Undone++
		return
	}
	t.f.Done++
	t.f.Seats[kind] += len(o.Tickets)
}

package saga

import (
	"fmt"
	"slices"
	"strings"

	"designkits/cases/tickets"
)

// An arrow is a way from state to state, and what leads there.
type arrow struct {
	from, to tickets.OrderState
	what     string
}

// arrows are all ways of an order: those of its steps, and those that others go.
func arrows() []arrow {
	all := []arrow{
		{tickets.Ticketed, tickets.Done, "fan told"}, // Mailbox
		{tickets.Ticketed, tickets.Refunding, "refund asked for"},
		{tickets.Done, tickets.Refunding, "refund asked for"},  // Order.Return
		{tickets.Done, tickets.Done, "seated in another hall"}, // package move
	}
	for what, way := range leads {
		if what == SeatsFreed { // see freed
			for _, to := range []tickets.OrderState{tickets.Cancelled, tickets.Refunded, tickets.Done} {
				all = append(all, arrow{way.from, to, string(what)})
			}
			continue
		}
		all = append(all, arrow{way.from, way.to, string(what)})
	}
	slices.SortFunc(all, func(a, b arrow) int { return strings.Compare(a.what, b.what) })
	return all
}

// Diagram returns the states of an order, and what leads from one to another, as
// a mermaid state diagram.
func Diagram() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stateDiagram-v2\n  [*] --> %s\n", tickets.Placed)
	all := arrows()
	for _, from := range tickets.OrderStates() {
		for _, to := range tickets.OrderStates() {
			for _, a := range all {
				if a.from == from && a.to == to {
					fmt.Fprintf(&b, "  %s --> %s: %s\n", from, to, a.what)
				}
			}
		}
		if from.Ended() {
			fmt.Fprintf(&b, "  %s --> [*]\n", from)
		}
	}
	return b.String()
}

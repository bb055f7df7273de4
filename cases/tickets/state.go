package tickets

import (
	"fmt"
	"slices"
	"strings"
)

// A State is where a seat of an event stands.
type State string

// The states of a seat.
const (
	Available State = "available"
	Held      State = "held"       // by one account, until a time
	Paid      State = "paid"       // by an order; no other order can have it
	Issued    State = "issued"     // a ticket with a code is out
	CheckedIn State = "checked in" // somebody sits there
)

// A Step is what can happen to a seat.
type Step string

// The steps of a seat.
const (
	Hold    Step = "hold"
	Extend  Step = "extend"
	Release Step = "release" // by its holder
	Expire  Step = "expire"  // the hold's time is over
	Pay     Step = "pay"
	Issue   Step = "issue"
	CheckIn Step = "check in"
	Refund  Step = "refund"
	MoveOut Step = "move out" // its event goes to another hall, and its order with it
	MoveIn  Step = "move in"  // of an order that had another, in the hall before
)

// A transition is one way through the states.
type transition struct {
	from State
	step Step
	to   State
}

// transitions are all there are. A step that isn't here can't be taken: the stores
// have conditions of their own, which are tested against this table, by claimstest
// until a seat is paid and by adapters/postgres from then on.
var transitions = []transition{
	{Available, Hold, Held},
	{Held, Extend, Held},
	{Held, Release, Available},
	{Held, Expire, Available},
	{Held, Pay, Paid},
	{Paid, Issue, Issued},
	{Paid, Refund, Available},
	{Issued, CheckIn, CheckedIn},
	{Issued, Refund, Available},
	{Issued, MoveOut, Available},
	{Available, MoveIn, Issued},
}

// States returns every state, in the order in which a seat meets them.
func States() []State { return []State{Available, Held, Paid, Issued, CheckedIn} }

// Steps returns every step.
func Steps() []Step {
	return []Step{Hold, Extend, Release, Expire, Pay, Issue, CheckIn, Refund, MoveOut, MoveIn}
}

// After returns the state that the step leads to, or an *Illegal.
func (s State) After(step Step) (State, error) {
	for _, t := range transitions {
		if t.from == s && t.step == step {
			return t.to, nil
		}
	}
	return "", &Illegal{From: s, Step: step}
}

// An Illegal is a step that can't be taken. Nothing has changed.
type Illegal struct {
	From State
	Step Step
}

func (e *Illegal) Error() string {
	return fmt.Sprintf("a seat that is %s can't be taken through %q", e.From, e.Step)
}

// Diagram returns the states and steps as a mermaid state diagram.
func Diagram() string {
	name := func(s State) string { return strings.ReplaceAll(string(s), " ", "_") }
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n  [*] --> " + name(Available) + "\n")
	for _, t := range transitions {
		fmt.Fprintf(&b, "  %s --> %s: %s\n", name(t.from), name(t.to), t.step)
	}
	for _, s := range States() {
		if !slices.ContainsFunc(transitions, func(t transition) bool { return t.from == s }) {
			fmt.Fprintf(&b, "  %s --> [*]\n", name(s))
		}
	}
	return b.String()
}

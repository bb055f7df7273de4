package tickets_test

import (
	"errors"
	"strings"
	"testing"

	"designkits/cases/tickets"

	"pgregory.net/rapid"
)

func TestASeatGoesTheWholeWay(t *testing.T) {
	state := tickets.Available
	for _, step := range []tickets.Step{tickets.Hold, tickets.Extend, tickets.Pay, tickets.Issue, tickets.CheckIn} {
		next, err := state.After(step)
		if err != nil {
			t.Fatal(err)
		}
		state = next
	}
	if state != tickets.CheckedIn {
		t.Errorf("ended %s", state)
	}
}

func TestStepsThatCantBeTaken(t *testing.T) {
	for _, c := range []struct {
		from tickets.State
		step tickets.Step
	}{
		{tickets.Available, tickets.Pay},
		{tickets.Paid, tickets.Hold},
		{tickets.Paid, tickets.Expire},
		{tickets.Issued, tickets.Release},
		{tickets.CheckedIn, tickets.Refund},
		{tickets.CheckedIn, tickets.MoveOut},
		{tickets.Held, tickets.MoveIn},
		{tickets.Issued, tickets.MoveIn},
		{tickets.CheckedIn, tickets.CheckIn},
		{"", tickets.Hold},
	} {
		next, err := c.from.After(c.step)
		var illegal *tickets.Illegal
		if !errors.As(err, &illegal) || next != "" {
			t.Errorf("%s, %s: %s, %v", c.from, c.step, next, err)
		}
	}
}

// Whatever happens to a seat, it is sold at most once between two times at which
// it was free, and nothing but a refund or a move frees what was paid.
func TestBetweenTwoSalesASeatWasFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state, paid := tickets.Available, false
		for _, step := range rapid.SliceOf(rapid.SampledFrom(tickets.Steps())).Draw(t, "steps") {
			next, err := state.After(step)
			if err != nil {
				continue
			}
			switch {
			case (step == tickets.Pay || step == tickets.MoveIn) && paid:
				t.Fatal("sold twice")
			case step == tickets.Pay || step == tickets.MoveIn:
				paid = true
			case next == tickets.Available && paid && step != tickets.Refund && step != tickets.MoveOut:
				t.Fatalf("%s freed a seat that was paid", step)
			case next == tickets.Available:
				paid = false
			}
			state = next
		}
	})
}

func TestTheDiagramHasEveryState(t *testing.T) {
	diagram := tickets.Diagram()
	for _, s := range tickets.States() {
		if !strings.Contains(diagram, strings.ReplaceAll(string(s), " ", "_")+" -->") {
			t.Errorf("%s leads nowhere:\n%s", s, diagram)
		}
	}
}

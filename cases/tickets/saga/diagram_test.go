package saga_test

import (
	"fmt"
	"strings"
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/saga"
)

// Something leads wherever an order may go, and nowhere else.
func TestTheDiagramHasEveryMove(t *testing.T) {
	diagram := saga.Diagram()
	for _, from := range tickets.OrderStates() {
		for _, to := range tickets.OrderStates() {
			drawn := strings.Contains(diagram, fmt.Sprintf("  %s --> %s: ", from, to))
			if legal := from.To(to) == nil; from != to && drawn != legal {
				t.Errorf("from %s to %s: drawn %t, legal %t", from, to, drawn, legal)
			}
		}
	}
	if again := saga.Diagram(); again != diagram {
		t.Errorf("drawn otherwise the second time:\n%s", again)
	}
}

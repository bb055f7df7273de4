package tickets_test

import (
	"testing"

	"designkits/cases/tickets"
	"designkits/cases/tickets/curveballs"
	"designkits/cases/tickets/saga"
	"designkits/shared/designdoc"
	"designkits/shared/lab"
	"designkits/shared/lab/labtest"
)

//go:generate go test -run TestDesignDoc . -weave

func TestDesignDoc(t *testing.T) {
	labtest.DesignDoc(t, lab.Case{Sheet: tickets.Sheet, Curveballs: curveballs.All}, map[string]designdoc.Part{
		"seat":  mermaid(tickets.Diagram),
		"order": mermaid(saga.Diagram),
	})
}

func mermaid(diagram func() string) designdoc.Part {
	return func() (string, error) { return "```mermaid\n" + diagram() + "```\n", nil }
}

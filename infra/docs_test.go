package infra

import (
	"testing"

	"designkits/shared/designdoc"
)

func TestTheFirstDocumentsLeadSomewhere(t *testing.T) {
	for _, doc := range []string{"../README.md", "../CONTRIBUTING.md", "../cases/messaging/client/README.md"} {
		if err := designdoc.DeadLinks(doc); err != nil {
			t.Error(err)
		}
	}
}

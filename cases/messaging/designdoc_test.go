package messaging_test

import (
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/curveballs"
	"designkits/shared/lab"
	"designkits/shared/lab/labtest"
)

//go:generate go test -run TestDesignDoc . -weave

func TestDesignDoc(t *testing.T) {
	labtest.DesignDoc(t, lab.Case{Sheet: messaging.Sheet, Curveballs: curveballs.All}, nil)
}

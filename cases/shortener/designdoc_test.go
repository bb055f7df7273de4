package shortener_test

import (
	"testing"

	"designkits/cases/shortener"
	"designkits/cases/shortener/curveballs"
	"designkits/shared/lab"
	"designkits/shared/lab/labtest"
)

//go:generate go test -run TestDesignDoc . -weave

func TestDesignDoc(t *testing.T) {
	labtest.DesignDoc(t, lab.Case{Sheet: shortener.Sheet, Curveballs: curveballs.All}, nil)
}

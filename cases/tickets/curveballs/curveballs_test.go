package curveballs_test

import (
	"testing"

	"designkits/cases/tickets/curveballs"
	"designkits/shared/lab/labtest"
)

func TestEveryExperimentIsWhole(t *testing.T) { labtest.Whole(t, curveballs.All) }

// Those that are quick. `kit curveball tickets --all` carries out all.
func TestQuickExperimentsHold(t *testing.T) {
	labtest.Hold(t, curveballs.ClockJumps, curveballs.RepeatableRead, curveballs.Lottery)
}

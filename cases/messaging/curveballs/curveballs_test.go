package curveballs_test

import (
	"testing"

	"designkits/cases/messaging/curveballs"
	"designkits/shared/lab/labtest"
)

func TestEveryExperimentIsWhole(t *testing.T) { labtest.Whole(t, curveballs.All) }

// Those that are quick. `kit curveball messaging --all` carries out all.
func TestQuickExperimentsHold(t *testing.T) {
	labtest.Hold(t, curveballs.TwoOwners, curveballs.WrongClock, curveballs.TenTimes)
}

package curveballs_test

import (
	"testing"

	"designkits/cases/shortener/curveballs"
	"designkits/shared/lab/labtest"
)

func TestEveryExperimentIsWhole(t *testing.T) { labtest.Whole(t, curveballs.All) }

// Two that are quick. `kit curveball shortener --all` carries out all.
func TestQuickExperimentsHold(t *testing.T) {
	labtest.Hold(t, curveballs.MaliciousTargets, curveballs.ClockGoesBack)
}

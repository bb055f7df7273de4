package exercises_test

import (
	"testing"

	"designkits/shared/exercise/proof"
)

// Each check refuses the tree as it is and the mistake, and takes the solution.
func TestExercises(t *testing.T) { proof.Prove(t) }

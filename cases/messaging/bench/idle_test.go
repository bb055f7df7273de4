package bench

import (
	"testing"

	harness "designkits/shared/bench"
)

// A quick run has fewer connections, and still tells a connection that costs
// nothing but its state from one with two goroutines.
func TestAnIdleConnectionHasNoGoroutineAndNoBuffers(t *testing.T) {
	r := harness.Run{Quick: true, Progress: func(line string) { t.Log(line) }}
	if err := idle.Run(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	for _, result := range r.Results {
		if !result.Held {
			t.Errorf("%s: %.1f %s against %.1f, want %s", result.Name, result.Value, result.Unit, result.Baseline, result.Goal)
		}
	}
}

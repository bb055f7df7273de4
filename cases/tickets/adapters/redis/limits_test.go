package redis_test

import (
	"slices"
	"testing"
	"time"

	"designkits/shared/testenv"
)

// How tries are counted and proofs spent package shared/redis has tests of.
func TestTriesAndProofsAreOfOneNamespace(t *testing.T) {
	one, _ := open(t, testenv.Addr(t, "redis"))
	other, _ := open(t, testenv.Addr(t, "redis"))
	for want := 1; want <= 2; want++ {
		if n, err := one.Limits().Count(t.Context(), time.Hour, "a", "b"); err != nil || !slices.Equal(n, []int{want, want}) {
			t.Errorf("%v, %v, want %d of both", n, err, want)
		}
		if first, err := one.Limits().Spend(t.Context(), "id", time.Minute); err != nil || first != (want == 1) {
			t.Errorf("spent for the first time: %v, %v", first, err)
		}
	}
	if n, err := other.Limits().Count(t.Context(), time.Hour, "a"); err != nil || n[0] != 1 {
		t.Errorf("another namespace: %v, %v", n, err)
	}
	if first, err := other.Limits().Spend(t.Context(), "id", time.Minute); err != nil || !first {
		t.Errorf("another namespace: %v, %v", first, err)
	}
}

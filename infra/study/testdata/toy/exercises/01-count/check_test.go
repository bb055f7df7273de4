//go:build exercise

package count

import (
	"os"
	"testing"
)

func TestTheDropsAreCounted(t *testing.T) {
	if _, err := os.Stat("../../drops.txt"); err != nil {
		t.Error("nobody has counted the drops")
	}
}

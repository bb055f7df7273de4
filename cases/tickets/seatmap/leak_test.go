package seatmap_test

import (
	"testing"

	"designkits/shared/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

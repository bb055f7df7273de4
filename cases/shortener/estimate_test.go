package shortener_test

import (
	"testing"

	"designkits/cases/shortener"
	"designkits/shared/estimate"
)

func figure(t *testing.T, rows []estimate.Row, name string) float64 {
	t.Helper()
	for _, r := range rows {
		if r.Name == name {
			return r.Value
		}
	}
	t.Fatalf("the sheet has no row %q", name)
	return 0
}

// The sheet against arithmetic done by hand.
func TestSheet(t *testing.T) {
	rows, err := shortener.Sheet().Evaluate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]float64{
		"links created at peak": {295, 296},     // 8.5e6 × 3 ÷ 86,400
		"redirects at peak":     {11500, 11520}, // 8.5e6 × 39 × 3 ÷ 86,400
		"reads per write":       {39, 39},
		"links kept":            {15.5e9, 15.6e9},
		"storage, all copies":   {23, 23.5},   // 15.5e9 × 500 B × 3
		"code space lasts":      {1130, 1140}, // 62^7 ÷ 8.5e6 ÷ 365
		"Kafka storage":         {1.80, 1.82}, // 3,837/s × 260 B × 7 days × 3
		"egress in a month":     {4.4, 4.7},

		"links in DynamoDB: writes":  {323, 324},   // 8.5e6 × 365 ÷ 12 × 2 × $0.625e-6
		"links in DynamoDB: reads":   {126, 127},   // 8.5e6 × 39 × 365 ÷ 12 × 10 % × $0.125e-6
		"links in DynamoDB: storage": {2830, 2832}, // 15.5e9 × 730 B × $0.25 ÷ 1e9
		"links in Cassandra":         {3600, 3600}, // 24 × $150
	} {
		if got := figure(t, rows, name); got < want[0] || got > want[1] {
			t.Errorf("%s: %v, want %v to %v", name, got, want[0], want[1])
		}
	}
}

package tickets_test

import (
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/program"
	"designkits/cases/tickets/venue"
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
	rows, err := tickets.Sheet().Evaluate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]float64{
		"accounts that wait":                {699_999, 700_001}, // 60,000 × 7 ÷ 0.6
		"a person's chance":                 {3.42, 3.43},       // 24,000 of 700,000
		"requests":                          {105e6, 105e6},
		"joins":                             {1_166, 1_167},
		"waiting room in Redis":             {81.8, 82},       // 700,000 × 117 B
		"sent to all who wait":              {16.7, 16.9},     // 700,000 × 120 B ÷ 5 s
		"gates":                             {35, 35},         // 700,000 ÷ 20,000
		"the sale takes":                    {399, 401},       // 24,000 ÷ 60 a second
		"let in until it is sold out":       {39_999, 40_001}, // 24,000 ÷ 0.6
		"booking replicas for holds":        {1, 1},           // 150 a second of the thousands that one grants
		"booking replicas":                  {3, 3},           // 24,000 pages ÷ 10,000
		"seats held":                        {30_000, 30_000}, // 100 × 2.5 × 120
		"let in at most":                    {200, 200},       // 24,000 ÷ 120 s
		"seats that bots can hold":          {96_000, 96_000}, // 100 × 0.4 × 4 × 600
		"sent to all pages":                 {88.7, 88.9},     // 24,000 × (500 × 6 B + 10 × 70 B)
		"orders under way":                  {8.9, 9.1},       // 60 × 2 × 75 ms
		"orders that wait for the provider": {540, 540},       // 60 × 1 % × 900
		"workers":                           {2, 2},
		"PostgreSQL":                        {153, 154},     // 24,000 × 6.4 kB
		"Kafka storage":                     {129, 130},     // 24,000 × 6 × 300 B × 3
		"all bots' work costs them":         {8.9, 9},       // 280,000 × 2²² ÷ 2e6/s × $40 a month
		"machines":                          {231, 233},     // 47 × $150 ÷ 30.4
		"egress":                            {2.6, 2.7},     // 52.4 GB × $0.05
		"the provider's fees":               {243e3, 245e3}, // 60,000 × $136 × 2.9 % + 24,000 × $0.3
		"machines as a share of the fees":   {0.094, 0.096},
	} {
		if got := figure(t, rows, name); got < want[0] || got > want[1] {
			t.Errorf("%s: %v, want %v to %v", name, got, want[0], want[1])
		}
	}
}

// What the sheet takes from the code.
func TestTheSheetIsOfThisSale(t *testing.T) {
	rows, err := tickets.Sheet().Evaluate(nil)
	if err != nil {
		t.Fatal(err)
	}
	halls, err := venue.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := figure(t, rows, "seats"), float64(halls["stadium"].Seats()); got != want {
		t.Errorf("%v seats, and the stadium has %v", got, want)
	}
	events, err := program.Shipped(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Room && (figure(t, rows, "seats per account") != float64(e.PerAccount) || figure(t, rows, "longest hold") != e.MaxHold.Seconds()) {
			t.Errorf("%s: %d seats an account, held for %s at most", e.ID, e.PerAccount, e.MaxHold)
		}
	}
	if got, want := figure(t, rows, "hashes for a place"), float64(uint64(1)<<bots.Bits(bots.Most)); got != want {
		t.Errorf("%v hashes, and the highest suspicion costs %v", got, want)
	}
}

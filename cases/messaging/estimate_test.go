package messaging_test

import (
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/session"
)

func evaluate(t *testing.T, set map[string]float64) (figure func(name string) float64) {
	t.Helper()
	rows, err := messaging.Sheet().Evaluate(set)
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) float64 {
		t.Helper()
		for _, r := range rows {
			if r.Name == name {
				return r.Value
			}
		}
		t.Fatalf("the sheet has no row %q", name)
		return 0
	}
}

// fixed are the rows that a bench or a later look may change, as they are for the
// arithmetic below.
var fixed = map[string]float64{"memory per connection": 3.2, "handshakes per gateway": 2_000, "messages per chat process": 3_000}

// The sheet against arithmetic done by hand.
func TestSheet(t *testing.T) {
	figure := evaluate(t, fixed)
	for name, want := range map[string][2]float64{
		"people a day":                        {142.8e6, 142.9e6}, // 50 million ÷ 1.4 ÷ 0.25
		"messages":                            {82_600, 82_700},   // 142.86 million × 50 ÷ 86,400
		"messages at peak":                    {206_600, 206_700},
		"inboxes per message":                 {4.31, 4.33}, // 0.699 × 1.8 + 0.3 × 10.2
		"notices per message":                 {7, 7},       // 0.001 × 5,000 × 1.4
		"memory of all connections":           {359, 361},   // 50 million × 7.2 kB
		"gateways for the memory":             {45, 45},     // 360 GB ÷ 8 GB
		"gateways":                            {100, 100},   // 50 million ÷ 500,000
		"heartbeats":                          {1.66e6, 1.67e6},
		"heartbeats' traffic":                 {273, 274},
		"routes refreshed":                    {5e6, 5e6},
		"routes in Redis":                     {7.5, 7.5},
		"Redis nodes":                         {56, 56}, // 5 million ÷ 150,000 ÷ 0.6
		"connections lost with a gateway":     {5e5, 5e5},
		"handshakes when one dies":            {5e4, 5e4},     // 500,000 in 10 s
		"of those at each other gateway":      {505, 505.1},   // 50,000 ÷ 99
		"all are back after an outage of all": {250, 250},     // 50 million ÷ (100 × 2,000)
		"chat processes":                      {115, 115},     // 206,679 ÷ 3,000 ÷ 0.6
		"partitions":                          {173, 173},     // 206,679 ÷ 2,000 ÷ 0.6
		"bytes per record":                    {2_075, 2_080}, // 350 + 300 × 4.318 × 4/3
		"Kafka, messages at peak":             {428, 430},
		"Kafka brokers":                       {30, 30}, // (429 + 463) × 3 ÷ 150 ÷ 0.6
		"a partition of a history":            {1.1, 1.1},
		"a partition of an inbox":             {5, 5},           // 10,000 × 500 B
		"history":                             {8_600, 8_610},   // 82,671 × 1.1 kB × a year × 3
		"an inbox after 30 days away":         {2.31, 2.32},     // 50 × 4.318 ÷ 1.4 × 30 × 500 B
		"rows written at peak":                {2.88e6, 2.89e6}, // 206,679 × (1 + 4.318 × 3)
		"Cassandra nodes for writes":          {962, 962},
		"Cassandra nodes":                     {4_314, 4_315}, // 8,628 TB ÷ 2 TB
		"media":                               {4_280, 4_290}, // 82,671 × 5 % × 400 kB × 30 days
		"egress":                              {969e3, 973e3}, // 82,671 × 4.318 × (700 B + 5 % × 400 kB) × a month × $0.05
		"cost per person":                     {0.021, 0.023},
		"a partition of nothing but the largest messages": {65.5, 65.6},
	} {
		if got := figure(name); got < want[0] || got > want[1] {
			t.Errorf("%s: %v, want %v to %v", name, got, want[0], want[1])
		}
	}
}

// Ten times the connections, at the same habits: what grows in proportion, and
// what then comes back at once, which doesn't.
func TestFromFiftyToFiveHundredMillion(t *testing.T) {
	before := evaluate(t, fixed)
	set := map[string]float64{"connections": 500e6}
	for name, value := range fixed {
		set[name] = value
	}
	after := evaluate(t, set)
	for name, times := range map[string]float64{
		"memory of all connections": 10, "gateways": 10, "heartbeats": 10, "routes refreshed": 10, "history": 10,
		"connections lost with a gateway": 1, "handshakes when one dies": 1, "all are back after an outage of all": 1,
	} {
		if got := after(name) / before(name); got < times*0.999 || got > times*1.001 {
			t.Errorf("%s is %v times as much, want %v", name, got, times)
		}
	}
}

// What the sheet takes from the code.
func TestTheSheetIsOfThisMessenger(t *testing.T) {
	figure := evaluate(t, nil)
	for name, want := range map[string]float64{
		"a route is refreshed every": session.RouteFor.Seconds() / 3,
		"messages per bucket":        messaging.BucketSize,
	} {
		if got := figure(name); got != want {
			t.Errorf("%s: %v, and the code has %v", name, got, want)
		}
	}
}

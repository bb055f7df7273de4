package messaging_test

import (
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/order"
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
		"devices per message":                 {11.31, 11.33},
		"bodies per message":                  {1.559, 1.560}, // 0.699 × 1.8 + 0.301
		"memory of all connections":           {359, 361},     // 50 million × 7.2 kB
		"gateways for the memory":             {45, 45},       // 360 GB ÷ 8 GB
		"gateways":                            {100, 100},     // 50 million ÷ 500,000
		"heartbeats":                          {1.66e6, 1.67e6},
		"heartbeats' traffic":                 {273, 274},
		"frames at peak":                      {2.33e6, 2.35e6}, // 206,679 × 11.318
		"sent to devices at peak":             {1_637, 1_638},   // and × 700 B
		"routes refreshed":                    {5e6, 5e6},
		"routes in Redis":                     {7.5, 7.5},
		"Redis nodes":                         {56, 56}, // 5 million ÷ 150,000 ÷ 0.6
		"connections lost with a gateway":     {5e5, 5e5},
		"handshakes when one dies":            {5e4, 5e4},   // 500,000 in 10 s
		"of those at each other gateway":      {505, 505.1}, // 50,000 ÷ 99
		"all are back after an outage of all": {250, 250},   // 50 million ÷ (100 × 2,000)
		"chat processes":                      {115, 115},   // 206,679 ÷ 3,000 ÷ 0.6
		"partitions":                          {173, 173},   // 206,679 ÷ 2,000 ÷ 0.6
		"bytes per record":                    {1025, 1026}, // 350 + 325 × 1.5592 × 4/3
		"Kafka, messages at peak":             {211, 212},   // 206,679 × 1,025.7 B
		"bytes per delivery":                  {783, 784},   // 350 + 325 × 4/3
		"Kafka, deliveries at peak":           {190.9, 191}, // 206,679 × (4.318 × 0.25 + 0.001 × 100) × 783.3 B
		"Kafka's log":                         {153, 154},   // 82,671 × 1,025.7 B × 604,800 s × 3
		"Kafka brokers for traffic":           {14, 14},     // (212 + 191) × 3 ÷ 150 ÷ 0.6
		"Kafka brokers for disk":              {39, 39},     // 154 ÷ 4
		"Kafka brokers":                       {39, 39},
		"stored per message":                  {0.706, 0.707}, // 200 + 325 × 1.5592
		"stored per inbox item":               {0.525, 0.525},
		"a partition of a history":            {0.706, 0.707},
		"a partition of an inbox":             {0.525, 0.525},   // 1,000 × 525 B
		"the index of the busiest inbox":      {0.299, 0.301},   // 200 × 30 × 50 B
		"history":                             {5_520, 5_530},   // 82,671 × 706.7 B × a year × 3
		"an inbox after 30 days away":         {2.42, 2.43},     // 50 × 4.318 ÷ 1.4 × 30 × 525 B
		"inboxes":                             {24.2, 24.3},     // 82,671 × 4.318 × 43,200 s × 525 B × 3
		"rows written at peak":                {5.55e6, 5.56e6}, // 206,679 × (1 + 4.318 × 2.75 + 7 × 2)
		"Cassandra nodes for writes":          {1_852, 1_852},   // × 3 ÷ 15,000 ÷ 0.6
		"rows read per message":               {45.3, 45.4},     // 2.5 + 25.6 + 4.318 × 0.75 + 7 × 2
		"rows read by who comes back":         {925e3, 926e3},   // 200 million × 10 × 40 ÷ 86,400
		"rows read at peak":                   {11.68e6, 11.7e6},
		"Cassandra nodes for reads":           {1_299, 1_299},   // 11.7 million × 2 ÷ 30,000 ÷ 0.6
		"Cassandra nodes for disk":            {2_776, 2_777},   // 5,552 TB ÷ 2 TB
		"Cassandra nodes":                     {3_151, 3_151},   // 1,852 + 1,299
		"media":                               {4_420, 4_430},   // 82,671 × 5 % × 400 kB × 31 days
		"machines":                            {519e3, 520e3},   // (100 + 56 + 115 + 39 + 3,151) × $150
		"disks":                               {912e3, 914e3},   // (5,528 + 24 + 154) TB × 2 × $0.08
		"egress":                              {2.54e6, 2.55e6}, // 82,671 × 11.318 × (700 B + 5 % × 400 kB) × a month × $0.05
		"cost per person":                     {0.0285, 0.0287},
		"a partition of nothing but the largest messages": {65.5, 65.6},
	} {
		if got := figure(name); got < want[0] || got > want[1] {
			t.Errorf("%s: %v, want %v to %v", name, got, want[0], want[1])
		}
	}
}

// Which need decides: of Kafka the disk, unless the log is kept for a day; of
// Cassandra the traffic, unless large groups say nothing.
func TestSheetTakesTheLargerNeed(t *testing.T) {
	for _, c := range []struct {
		set     string
		to      float64
		row     string
		nodes   float64
		decides string
	}{
		{"log kept for", 7, "Kafka brokers", 39, "Kafka brokers for disk"},
		{"log kept for", 1, "Kafka brokers", 14, "Kafka brokers for traffic"},
		{"share to large groups", 0, "Cassandra nodes", 2_778, "Cassandra nodes for disk"},
	} {
		figure := evaluate(t, map[string]float64{c.set: c.to})
		if got := figure(c.row); got != c.nodes || got != figure(c.decides) {
			t.Errorf("with %s = %v: %s: %v, want %v, of which %s has %v", c.set, c.to, c.row, got, c.nodes, c.decides, figure(c.decides))
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
		"a route is refreshed every":      session.RouteFor.Seconds() / 3,
		"messages per bucket":             messaging.BucketSize,
		"rows read when it was forgotten": order.Remembered,
	} {
		if got := figure(name); got != want {
			t.Errorf("%s: %v, and the code has %v", name, got, want)
		}
	}
}

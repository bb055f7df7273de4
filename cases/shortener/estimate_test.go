package shortener_test

import (
	"math"
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

// The sheet against arithmetic done by hand, to half a percent. Loads are
// today's; stores, nodes and money are those of the end, when the last of five
// years has 1.06⁴ times the load of the first.
func TestSheet(t *testing.T) {
	rows, err := shortener.Sheet().Evaluate(nil)
	if err != nil {
		t.Fatal(err)
	}
	const (
		day, year, month = 86_400, 365 * 86_400, 365 * 86_400 / 12
		links            = 8.5e6 / day
		clicks           = 39 * links
		last             = 1.06 * 1.06 * 1.06 * 1.06
		years            = 1 + 1.06 + 1.06*1.06 + 1.06*1.06*1.06 + last // of today's load
		held             = links * year * years
		linkBytes        = held * 500
	)
	second, peak, minute, whole := merged(clicks), merged(3*clicks), merged(60*clicks)/60, merged(day*clicks)/day
	countBytes := minute * year * years * 83
	logBytes := (clicks*260 + second*150) * 7 * day * 3
	cached := figure(t, rows, "links cached")
	cassandra := math.Ceil((linkBytes + countBytes) * 3 / 1e12)
	others := 2 + // api
		2*math.Ceil(cached*420*last/10e9) + // Redis
		math.Ceil(logBytes*last/1e12) + // Kafka
		math.Ceil(3*clicks*last/5_000/0.6) // what counts
	for name, want := range map[string]float64{
		"links created at peak":                     295,
		"redirects at peak":                         11_510,
		"reads per write":                           39,
		"load in the last year":                     1.2625,
		"links kept":                                17.49e9,
		"storage of links":                          linkBytes / 1e12,
		"code space lasts":                          1135, // 62^7 ÷ 8.5e6 ÷ 365
		"storage of links, the years counted twice": 8.5e6 * 365 * 500 * 25 / 1e12,

		"different links asked for":         asked,
		"cache":                             cached * 420 / 1e9,
		"cache for a fifth of the requests": 8.5e6 * 39 * 0.2 * 420 / 1e9,

		"increments":         second,
		"increments at peak": peak,
		"new rows of counts": minute,
		"storage of counts":  countBytes / 1e12,
		"storage of counts by day in place of minute": whole * year * years * 83 / 1e12,
		"storage, all copies":                         (linkBytes + countBytes) * 3 / 1e12,
		"Kafka bandwidth at peak":                     (3*clicks*260 + peak*150) / 1e6,
		"Kafka storage":                               logBytes / 1e12,

		"api nodes":                  2,
		"Cassandra nodes for writes": math.Ceil((3*links*2 + peak) * 3 * last / 5_000 / 0.6),
		"Cassandra nodes for disk":   cassandra,
		"Cassandra nodes":            cassandra,
		"Cassandra nodes for links":  27,
		"Redis nodes":                6,
		"Kafka nodes":                8,
		"nodes that count":           5,
		"nodes but for Cassandra":    others,

		"egress at peak":    3 * clicks * 450 / 1e6,
		"egress in a month": clicks * 450 * month / 1e12,
		"cost":              (cassandra+others)*150 + clicks*last*450*month*0.05/1e9,

		"second region: copies of links":         linkBytes * 3 / 1e12,
		"second region: between the two at peak": 3 * links * 500 / 1e6,
		"second region: cost":                    (27+others)*150 + links*last*500*month*0.05/1e9,

		"links in DynamoDB: writes":  links * last * month * 2 * 0.625e-6,
		"links in DynamoDB: reads":   clicks * last * month * 0.1 * 0.125e-6,
		"links in DynamoDB: storage": held * 730 * 0.25 / 1e9,
		"links in DynamoDB":          408 + 159.6 + 3192,
		"links in Cassandra":         27 * 150,
	} {
		if got := figure(t, rows, name); math.Abs(got-want) > want/200 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := tinyLFUHits(cached); math.Abs(got-0.9) > 0.002 {
		t.Errorf("links cached: %v of them answer %.4f of the redirects, want 0.9", cached, got)
	}
}

// What is kept for less time than links is what the last years brought; and
// without growth each year brings the same.
func TestSheetOverTheYears(t *testing.T) {
	for _, c := range []struct {
		set  map[string]float64
		name string
		want float64
	}{
		{map[string]float64{"growth a year": 0}, "links kept", 8.5e6 * 365 * 5},
		{map[string]float64{"growth a year": 0}, "storage of counts", merged(60*39*8.5e6/86_400) * 60 * 24 * 365 * 5 * 83 / 1e12},
		{map[string]float64{"counts kept for": 2}, "storage of counts", merged(60*39*8.5e6/86_400) * 60 * 24 * 365 * 1.06 * 1.06 * 1.06 * 2.06 * 83 / 1e12},
		{map[string]float64{"counts kept for": 9}, "links kept", 17.49e9},
	} {
		rows, err := shortener.Sheet().Evaluate(c.set)
		if err != nil {
			t.Fatal(err)
		}
		if got := figure(t, rows, c.name); math.Abs(got-c.want) > c.want/200 {
			t.Errorf("%s with %v: %v, want %v", c.name, c.set, got, c.want)
		}
	}
}

// Zipf's law with exponent 1 over the links that are asked for, by integrals in
// place of the sums that shared/estimate takes. Link i gets λ/i of the asks.
const (
	asked = 8.5e6 * 30
	gamma = 0.5772156649
)

var harmonic = math.Log(asked) + gamma

// e1 is the exponential integral E₁ of a small x, by its series.
func e1(x float64) float64 { return -gamma - math.Log(x) + x - x*x/4 + x*x*x/18 - x*x*x*x/96 }

// distinct is ∫ 1 − e^(−λ/i) di.
func distinct(asks float64) float64 {
	lambda := asks / harmonic
	x := lambda / asked
	return asked*(1-math.Exp(-x)) + lambda*e1(x)
}

// merged is how many rows so many clicks come to: a total, and four dimensions
// of five values.
func merged(clicks float64) float64 { return distinct(clicks) + 4*5*distinct(clicks/5) }

// tinyLFUHits is the share of asks that go to k links held, where those seen
// twice or more among the last 15k asks are held, and of those seen once as
// many as there is room for.
func tinyLFUHits(k float64) float64 {
	lambda := 15 * k / harmonic
	x := lambda / asked
	once := lambda * e1(x)
	room := (k - (distinct(15*k) - once)) / once
	seen := (math.Log(lambda) + gamma - (x - x*x/4 + x*x*x/18) + gamma) / harmonic // ∫ (1 − e^(−λ/i))/i di
	return seen - (1-room)*math.Exp(-x)/harmonic
}

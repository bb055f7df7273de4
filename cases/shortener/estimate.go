package shortener

import (
	_ "embed"
	"fmt"
	"math"

	"designkits/cases/shortener/codes"
	"designkits/shared/estimate"
)

// measured are the figures of the last bench, which the sheet takes some from.
//
//go:embed bench/results.json
var measured []byte

// Sheet is the capacity estimate of a shortener of about Bitly's size. What is
// stored a link and a click is taken from schema.cql and clicks/click.go.
// Loads are today's; what is kept, the nodes, and what they cost a month are
// those at the end of the last year.
func Sheet() *estimate.Sheet {
	s := estimate.New("URL shortener").UseResultsJSON(measured)
	l := loads(s)
	links := linkStorage(s, &l)
	c := cacheSize(s, l)
	n := counts(s, l, c)
	all := s.Derive("storage, all copies", links.Plus(n.storage).Times(l.replicas), estimate.TB)
	log := stream(s, l, n)
	f := fleet(s, l, c, n, links, all, log)
	p := cost(s, l, f)
	secondRegion(s, l, f, links, p)
	secondStore(s, l, c, f.forLinks.Times(p.node))
	return s
}

// load is what comes in, and what else every part of the sheet asks for.
type load struct {
	links, perLink, clicks   *estimate.Expr // average, today
	peak, created, redirects *estimate.Expr // the last two at peak, today
	years, growth, grown     *estimate.Expr // grown is the last year's load over today's
	row, held                *estimate.Expr // stored per link, and the links of all years
	replicas                 *estimate.Expr
}

// loads adds what comes in, and how it grows.
func loads(s *estimate.Sheet) (l load) {
	const large = "assumption, of the order of a large service: 256 million links and 10 billion clicks a month"
	l.links = s.Input("new links", 8.5e6, estimate.PerDay, large)
	l.perLink = s.Input("clicks per link", 39, estimate.Ratio, large)
	l.peak = s.Input("peak factor", 3, estimate.Ratio, "assumption: the busiest hour over the average one")
	s.Between(1, 10)
	l.growth = s.Input("growth a year", 6, estimate.Percent, "assumption: from the 6 billion clicks a month that Bitly had in 2014 to these 10 in nine years; of links too")
	s.Between(1, 40)
	l.years = s.Input("kept for", 5, estimate.Year, "requirement")
	s.Between(1, 20)

	l.created = s.Derive("links created at peak", l.links.Times(l.peak), estimate.PerSecond)
	l.clicks = s.Derive("clicks", l.links.Times(l.perLink), estimate.PerSecond)
	l.redirects = s.Derive("redirects at peak", l.clicks.Times(l.peak), estimate.PerSecond)
	s.Derive("reads per write", l.redirects.Over(l.created), estimate.Ratio)
	l.grown = s.Derive("load in the last year", estimate.Apply("(1 + growth a year)^(kept for − 1)", estimate.Ratio,
		func(args ...float64) float64 { return math.Pow(1+args[0], args[1]-1) }, l.growth, plainYears(l.years)), estimate.Ratio)
	l.replicas = s.Input("replicas", 3, estimate.Count, "requirement: one node may die while another is down for repair")
	s.Between(1, 5)
	return l
}

// plainYears is a time in years as a plain number, for a formula of Apply.
func plainYears(years *estimate.Expr) *estimate.Expr {
	return years.Over(estimate.Const(1, estimate.Year))
}

// todaysYears is how many years of today's load come in within the last of so
// many years, each of which brings 1+growth times the one before.
func todaysYears(growth, years, last float64) float64 {
	last = min(last, years)
	if growth == 0 {
		return last
	}
	return (math.Pow(1+growth, years) - math.Pow(1+growth, years-last)) / growth
}

// linkStorage adds what the links themselves take, and the well-known slip.
func linkStorage(s *estimate.Sheet, l *load) (links *estimate.Expr) {
	l.row = s.Input("stored per link", 500, estimate.Byte, "links 100 B + a target of 120 B, its index entries 80 B, and Cassandra's own")
	s.Between(200, 2000)
	l.held = s.Derive("links kept", l.links.Times(estimate.Apply("Σ (1 + growth a year)ⁱ over kept for", estimate.Year,
		func(args ...float64) float64 { return todaysYears(args[0], args[1], args[1]) }, l.growth, plainYears(l.years))), estimate.Count)
	links = s.Derive("storage of links", l.held.Times(l.row), estimate.TB)
	yearly := l.links.Times(estimate.Const(1, estimate.Year)).Times(l.row)
	s.Slip("storage of links, the years counted twice", yearly.Times(plainYears(l.years)).Times(plainYears(l.years)),
		estimate.TB, "what is added in a year was multiplied by the years, and the sum of all years once more")
	space := s.Derive("code space", estimate.Const(float64(codes.Space), estimate.Count), estimate.Count)
	s.Derive("code space lasts", space.Over(l.links), estimate.Year)
	return links
}

// cached is what the cache answers, and which links are asked for.
type cached struct{ ratio, skew, distinct, size *estimate.Expr }

// cacheSize adds how much memory a hit ratio costs. What counts is how many
// different links are asked for, not how many requests there are. The curve is
// that of the policy which the cache has, not of a perfect one: TinyLFU has
// counted only some asks of each link.
func cacheSize(s *estimate.Sheet, l load) (c cached) {
	c.ratio = s.Input("hit ratio wanted", 90, estimate.Percent, "requirement: one redirect in ten may reach Cassandra")
	s.Between(50, 99)
	c.skew = s.Input("Zipf exponent", 1, estimate.Count, "assumption, a kind one: Breslau et al., INFOCOM 1999, found 0.64 to 0.83 for pages of the web")
	s.Between(0.6, 1.4)
	alive := s.Input("days a link is asked for", 30, estimate.Day, "assumption: most links are dead after a month")
	s.Between(1, 365)
	entry := s.Input("memory per cached link", 420, estimate.Byte, "300 B of cache and structs + a target of 120 B")
	s.Between(200, 1000)

	c.distinct = s.Derive("different links asked for", l.links.Times(alive), estimate.Count)
	keys := s.Derive("links cached", estimate.Apply("Zipf⁻¹(hit ratio wanted, different links asked for) under TinyLFU", estimate.Count,
		func(args ...float64) float64 { return estimate.TinyLFUCacheKeys(args[0], args[1], args[2]) },
		c.ratio, c.distinct, c.skew), estimate.Count)
	c.size = s.Derive("cache", keys.Times(entry), estimate.GB)
	s.Slip("cache for a fifth of the requests", l.links.Times(l.perLink).Times(estimate.Const(1, estimate.Day)).Times(estimate.Const(20, estimate.Percent)).Times(entry),
		estimate.GB, "a cache holds keys, not requests: a link that is asked for a thousand times is held once")
	drawHits(s)
	return c
}

// drawHits draws the hit ratio of a cache over how many of the links fit in it, as
// cacheSize calculates with it, beside bench hit-ratio, which has so many links.
func drawHits(s *estimate.Sheet) {
	const links = 20_000
	hits := s.Chart("What a cache answers of requests for 20,000 links", "links that fit, %", "answered, %")
	for _, skew := range []float64{0.8, 1, 1.2} {
		line := hits.Line(fmt.Sprintf("Zipf %.1f", skew), 0.5, 40, func(share float64) float64 {
			return 100 * estimate.TinyLFUHitRatio(share/100*links, links, skew)
		})
		for _, share := range []float64{1, 5, 20} {
			line.At(share, fmt.Sprintf("hit-ratio-zipf-%.1f-cache-%g%%", skew, share))
		}
	}
}

// counted is what becomes of the clicks.
type counted struct{ increments, atPeak, storage *estimate.Expr }

// counts adds what the clicks leave in Cassandra. clicks.sql makes five rows of
// a click, its total and four dimensions; those of one link, second, dimension
// and value are one increment, and stats.go adds the increments of a minute up
// in one row, which it writes anew for each. How many clicks share a row follows
// from how unequal links are.
func counts(s *estimate.Sheet, l load, c cached) (n counted) {
	values := s.Input("values of a dimension", 5, estimate.Count, "assumption: a link's clicks are spread over so many countries, browsers …, evenly")
	s.Between(1, 50)
	row := s.Input("stored per row of counts", 83, estimate.Byte, "schema.cql: 720,000 rows are about 60 MB")
	s.Between(40, 200)
	kept := s.Input("counts kept for", 5, estimate.Year, "the table has no TTL: as long as links, so set both")
	s.Between(0.1, 20)

	// merged is how many rows a second come of the clicks if those of one span
	// of that many seconds are put together.
	merged := func(what string, seconds float64, clicks *estimate.Expr) *estimate.Expr {
		return estimate.Apply("Zipf: different (link, dimension, value) in "+what, estimate.PerSecond,
			func(args ...float64) float64 {
				clicks, links, skew, values := args[0]*seconds, args[1], args[2], args[3]
				total := estimate.ZipfDistinct(clicks, links, skew)
				perDimension := values * estimate.ZipfDistinct(clicks/values, links, skew)
				return (total + 4*perDimension) / seconds
			}, clicks, c.distinct, c.skew, values)
	}
	n.increments = s.Derive("increments", merged("a second's clicks", 1, l.clicks), estimate.PerSecond)
	n.atPeak = s.Derive("increments at peak", merged("a second's redirects at peak", 1, l.redirects), estimate.PerSecond)
	rows := s.Derive("new rows of counts", merged("a minute's clicks", 60, l.clicks), estimate.PerSecond)
	last := estimate.Apply("Σ (1 + growth a year)ⁱ over the last counts kept for", estimate.Year,
		func(args ...float64) float64 { return todaysYears(args[0], args[1], args[2]) }, l.growth, plainYears(l.years), plainYears(kept))
	n.storage = s.Derive("storage of counts", rows.Times(last).Times(row), estimate.TB)
	s.Derive("storage of counts by day in place of minute", merged("a day's clicks", 86_400, l.clicks).Times(last).Times(row), estimate.TB)
	return n
}

// stream adds what the two logs take, that of the clicks and that of the increments.
func stream(s *estimate.Sheet, l load, n counted) (log *estimate.Expr) {
	size := s.Input("record per click", 260, estimate.Byte, "clicks/click.go as JSON, before compression")
	s.Between(60, 400)
	increment := s.Input("record per increment", 150, estimate.Byte, "clicks.sql as JSON with its key, before compression")
	s.Between(40, 250)
	retention := s.Input("click log kept for", 7, estimate.Day, "requirement: a week to notice a fault and count again")
	s.Between(1, 30)
	s.Derive("Kafka bandwidth at peak", l.redirects.Times(size).Plus(n.atPeak.Times(increment)), estimate.MBPerSecond)
	return s.Derive("Kafka storage", l.clicks.Times(size).Plus(n.increments.Times(increment)).Times(retention).Times(l.replicas), estimate.TB)
}

// machines are how many of each there are.
type machines struct{ forLinks, cassandra, others *estimate.Expr }

// fleet adds the machines.
func fleet(s *estimate.Sheet, l load, c cached, n counted, links, all, log *estimate.Expr) (m machines) {
	two := estimate.Const(2, estimate.Count)
	redirecting := s.Measured("redirects per node", "redirect-recorded", estimate.PerSecond) // of two cores, shared with the load
	s.Between(2_000, 60_000)
	writing := s.Input("rows written per Cassandra node", 5_000, estimate.PerSecond, "assumption for 4 cores and batch commit")
	s.Between(500, 20_000)
	disk := s.Input("data per node", 1, estimate.TB, "assumption, for Cassandra and Kafka; as much of the disk again is left for compaction")
	s.Between(0.5, 4)
	memory := s.Input("cache per Redis node", 10, estimate.GB, "assumption, of 16 GB; each has a replica")
	s.Between(4, 50)
	counting := s.Input("clicks counted per node", 5_000, estimate.PerSecond, "assumption for 4 cores with Flink and analytics")
	s.Between(500, 50_000)

	api := s.Derive("api nodes", l.redirects.Times(l.grown).Over(redirecting).WithHeadroom(0.6).RoundUp().AtLeast(2), estimate.Count)
	// A link is a row in links and one in links_by_owner. Rows of counts that go
	// to one partition at a time are one write, so this is an upper bound.
	rows := l.created.Times(two).Plus(n.atPeak).Times(l.replicas).Times(l.grown)
	byWrites := s.Derive("Cassandra nodes for writes", rows.Over(writing).WithHeadroom(0.6).RoundUp(), estimate.Count)
	byDisk := s.Derive("Cassandra nodes for disk", all.Over(disk).RoundUp().AtLeast(3), estimate.Count)
	larger := func(args ...float64) float64 { return max(args[0], args[1]) }
	m.cassandra = s.Derive("Cassandra nodes", estimate.Apply("max(for writes, for disk)", estimate.Count, larger, byWrites, byDisk), estimate.Count)
	m.forLinks = s.Derive("Cassandra nodes for links", links.Times(l.replicas).Over(disk).RoundUp().AtLeast(3), estimate.Count)
	redis := s.Derive("Redis nodes", c.size.Times(l.grown).Over(memory).RoundUp().Times(two), estimate.Count)
	kafka := s.Derive("Kafka nodes", log.Times(l.grown).Over(disk).RoundUp().AtLeast(3), estimate.Count)
	stream := s.Derive("nodes that count", l.redirects.Times(l.grown).Over(counting).WithHeadroom(0.6).RoundUp().AtLeast(2), estimate.Count)
	m.others = s.Derive("nodes but for Cassandra", api.Plus(redis).Plus(kafka).Plus(stream), estimate.Count)
	return m
}

// prices are what a node and a byte to somewhere else cost.
type prices struct{ node, egress *estimate.Expr }

// cost adds what the machines and the traffic cost.
func cost(s *estimate.Sheet, l load, m machines) (p prices) {
	p.node = s.Input("price of a node", 150, estimate.DollarPerMonth, "assumption: 4 cores, 16 GB, 2 TB of disk where data is kept, reserved for a year")
	s.Between(50, 600)
	p.egress = s.Input("price of egress", 0.05, estimate.DollarPerGB, "assumption; list prices are 0.02 to 0.09")
	s.Between(0.005, 0.12)
	answer := s.Input("bytes sent per redirect", 450, estimate.Byte, "assumption: the headers of a 302 with a target of 120 B")
	s.Between(300, 1000)
	egress := l.clicks.Times(answer)
	s.Derive("egress at peak", egress.Times(l.peak), estimate.MBPerSecond)
	s.Derive("egress in a month", egress.Times(estimate.Const(1, estimate.Month)), estimate.TB)
	s.Derive("cost", m.cassandra.Plus(m.others).Times(p.node).Plus(egress.Times(l.grown).Times(p.egress)), estimate.DollarPerMonth)
	return p
}

// secondRegion adds what a second region takes that can carry all redirects.
// Links are copied to it, over the line once; counts stay where they came from,
// so that the regions share them.
func secondRegion(s *estimate.Sheet, l load, m machines, links *estimate.Expr, p prices) {
	s.Derive("second region: copies of links", links.Times(l.replicas), estimate.TB)
	s.Derive("second region: between the two at peak", l.created.Times(l.row), estimate.MBPerSecond)
	s.Derive("second region: cost", m.forLinks.Plus(m.others).Times(p.node).Plus(l.links.Times(l.grown).Times(l.row).Times(p.egress)), estimate.DollarPerMonth)
}

// secondStore adds what the links would cost in DynamoDB, beside what they cost
// in Cassandra. Capacity for a peak is no row: on demand, requests are paid for.
func secondStore(s *estimate.Sheet, l load, c cached, cassandra *estimate.Expr) {
	const prices = "AWS price list for us-east-1, on demand, since November 2024"
	item := s.Input("stored per link in DynamoDB", 730, estimate.Byte, "265 B by AWS's rule for item sizes + 100 B of overhead, in the table and again in its index")
	s.Between(500, 3000)
	million := estimate.Const(1e6, estimate.Count)
	write := s.Input("price of a million writes", 0.625, estimate.Dollar, prices+"; one write is up to 1 KB")
	s.Between(0.1, 1.25)
	read := s.Input("price of a million reads", 0.125, estimate.Dollar, prices+"; one strongly consistent read is up to 4 KB")
	s.Between(0.02, 0.25)
	month := s.Input("price of storage", 0.25, estimate.DollarPerGB.Over(estimate.Month), prices)
	s.Between(0.1, 0.3)

	writes := s.Derive("links in DynamoDB: writes", l.links.Times(l.grown).Times(estimate.Const(2, estimate.Count)).Times(write.Over(million)), estimate.DollarPerMonth)
	missed := estimate.Const(100, estimate.Percent).Minus(c.ratio)
	reads := s.Derive("links in DynamoDB: reads", l.clicks.Times(l.grown).Times(missed).Times(read.Over(million)), estimate.DollarPerMonth)
	storage := s.Derive("links in DynamoDB: storage", l.held.Times(item).Times(month), estimate.DollarPerMonth)
	s.Derive("links in DynamoDB", writes.Plus(reads).Plus(storage), estimate.DollarPerMonth)
	s.Derive("links in Cassandra", cassandra, estimate.DollarPerMonth)
}

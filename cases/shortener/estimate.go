package shortener

import (
	_ "embed"

	"designkits/cases/shortener/codes"
	"designkits/shared/estimate"
)

// measured are the figures of the last bench, which the sheet takes some from.
//
//go:embed bench/results.json
var measured []byte

// Sheet is the capacity estimate of a shortener of Bitly's size. What is
// stored a link and a click is taken from schema.cql and clicks/click.go.
func Sheet() *estimate.Sheet {
	s := estimate.New("URL shortener").UseResultsJSON(measured)

	const bitly = "Bitly 2023: 256 million links and 10 billion clicks a month"
	links := s.Input("new links", 8.5e6, estimate.PerDay, bitly)
	perLink := s.Input("clicks per link", 39, estimate.Ratio, bitly)
	peak := s.Input("peak factor", 3, estimate.Ratio, "assumption: the busiest hour over the average one")
	s.Between(1, 10)
	years := s.Input("kept for", 5, estimate.Year, "requirement")
	s.Between(1, 20)

	created := s.Derive("links created at peak", links.Times(peak), estimate.PerSecond)
	clicks := s.Derive("clicks", links.Times(perLink), estimate.PerSecond)
	redirects := s.Derive("redirects at peak", clicks.Times(peak), estimate.PerSecond)
	s.Derive("reads per write", redirects.Over(created), estimate.Ratio)

	replicas := s.Input("replicas", 3, estimate.Count, "requirement: one node may die while another is down for repair")
	s.Between(1, 5)
	kept := storage(s, links, years, replicas)
	space := s.Derive("code space", estimate.Const(float64(codes.Space), estimate.Count), estimate.Count)
	s.Derive("code space lasts", space.Over(links), estimate.Year)

	hits := cacheSize(s, links, perLink)
	api, cassandra := fleet(s, redirects, created.Times(replicas), kept)
	node := cost(s, api.Plus(cassandra), clicks, peak)
	secondStore(s, links, years, clicks, hits, cassandra.Times(node))
	stream(s, clicks, peak, replicas)
	return s
}

// storage adds what the links themselves take, and the well-known slip.
func storage(s *estimate.Sheet, links, years, replicas *estimate.Expr) (kept *estimate.Expr) {
	row := s.Input("stored per link", 500, estimate.Byte, "links 100 B + a target of 120 B, its index entries 80 B, and Cassandra's own")
	s.Between(200, 2000)
	held := s.Derive("links kept", links.Times(years), estimate.Count)
	once := s.Derive("storage, one copy", held.Times(row), estimate.TB)
	kept = s.Derive("storage, all copies", once.Times(replicas), estimate.TB)
	yearly := links.Times(estimate.Const(1, estimate.Year)).Times(row)
	s.Slip("storage, the years counted twice", yearly.Times(years.Over(estimate.Const(1, estimate.Year))).Times(years.Over(estimate.Const(1, estimate.Year))).Times(replicas),
		estimate.TB, "what is added in a year was multiplied by the years, and the sum of all years once more")
	return kept
}

// cacheSize adds how much memory a hit ratio costs. What counts is how many
// different links are asked for, not how many requests there are. The curve is
// that of the policy which the cache has, not of a perfect one: TinyLFU has
// counted only some asks of each link.
func cacheSize(s *estimate.Sheet, links, perLink *estimate.Expr) (ratio *estimate.Expr) {
	ratio = s.Input("hit ratio wanted", 90, estimate.Percent, "requirement: one redirect in ten may reach Cassandra")
	s.Between(50, 99)
	skew := s.Input("Zipf exponent", 1, estimate.Count, "assumption, a kind one: Breslau et al., INFOCOM 1999, found 0.64 to 0.83 for pages of the web")
	s.Between(0.6, 1.4)
	alive := s.Input("days a link is asked for", 30, estimate.Day, "assumption: most links are dead after a month")
	s.Between(1, 365)
	entry := s.Input("memory per cached link", 420, estimate.Byte, "300 B of cache and structs + a target of 120 B")
	s.Between(200, 1000)

	distinct := s.Derive("different links asked for", links.Times(alive), estimate.Count)
	keys := s.Derive("links cached", estimate.Apply("Zipf⁻¹(hit ratio wanted, different links asked for) under TinyLFU", estimate.Count,
		func(args ...float64) float64 { return estimate.TinyLFUCacheKeys(args[0], args[1], args[2]) },
		ratio, distinct, skew), estimate.Count)
	s.Derive("cache", keys.Times(entry), estimate.GB)
	s.Slip("cache for a fifth of the requests", links.Times(perLink).Times(estimate.Const(1, estimate.Day)).Times(estimate.Const(20, estimate.Percent)).Times(entry),
		estimate.GB, "a cache holds keys, not requests: a link that is asked for a thousand times is held once")
	return ratio
}

// fleet adds the machines.
func fleet(s *estimate.Sheet, redirects, rows, kept *estimate.Expr) (api, cassandra *estimate.Expr) {
	redirecting := s.Measured("redirects per node", "redirect-hit", estimate.PerSecond) // of two cores, shared with the load
	s.Between(2_000, 60_000)
	writing := s.Input("rows written per Cassandra node", 5_000, estimate.PerSecond, "assumption for 4 cores and batch commit")
	s.Between(500, 20_000)
	disk := s.Input("data per Cassandra node", 1, estimate.TB, "assumption; as much of the disk again is left for compaction")
	s.Between(0.5, 4)
	api = s.Derive("api nodes", redirects.Over(redirecting).WithHeadroom(0.6).RoundUp().AtLeast(2), estimate.Count)
	byWrites := s.Derive("Cassandra nodes for writes", rows.Over(writing).WithHeadroom(0.6).RoundUp(), estimate.Count)
	byDisk := s.Derive("Cassandra nodes for disk", kept.Over(disk).RoundUp().AtLeast(3), estimate.Count)
	larger := func(args ...float64) float64 { return max(args[0], args[1]) }
	cassandra = s.Derive("Cassandra nodes", estimate.Apply("max(for writes, for disk)", estimate.Count, larger, byWrites, byDisk), estimate.Count)
	return api, cassandra
}

// cost adds what the machines and the traffic cost.
func cost(s *estimate.Sheet, nodes, clicks, peak *estimate.Expr) (price *estimate.Expr) {
	price = s.Input("price of a node", 150, estimate.DollarPerMonth, "assumption: 4 cores, 16 GB, reserved for a year")
	s.Between(50, 600)
	traffic := s.Input("price of egress", 0.05, estimate.DollarPerGB, "assumption; list prices are 0.02 to 0.09")
	s.Between(0.005, 0.12)
	answer := s.Input("bytes sent per redirect", 450, estimate.Byte, "assumption: the headers of a 302 with a target of 120 B")
	s.Between(300, 1000)
	egress := clicks.Times(answer)
	s.Derive("egress at peak", egress.Times(peak), estimate.MBPerSecond)
	s.Derive("egress in a month", egress.Times(estimate.Const(1, estimate.Month)), estimate.TB)
	s.Derive("cost", nodes.Times(price).Plus(egress.Times(traffic)), estimate.DollarPerMonth)
	return price
}

// secondStore adds what the links would cost in DynamoDB, beside what they cost
// in Cassandra. Capacity for a peak is no row: on demand, requests are paid for.
func secondStore(s *estimate.Sheet, links, years, clicks, hits, cassandra *estimate.Expr) {
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

	writes := s.Derive("links in DynamoDB: writes", links.Times(estimate.Const(2, estimate.Count)).Times(write.Over(million)), estimate.DollarPerMonth)
	missed := estimate.Const(100, estimate.Percent).Minus(hits)
	reads := s.Derive("links in DynamoDB: reads", clicks.Times(missed).Times(read.Over(million)), estimate.DollarPerMonth)
	storage := s.Derive("links in DynamoDB: storage", links.Times(years).Times(item).Times(month), estimate.DollarPerMonth)
	s.Derive("links in DynamoDB", writes.Plus(reads).Plus(storage), estimate.DollarPerMonth)
	s.Derive("links in Cassandra", cassandra, estimate.DollarPerMonth)
}

// stream adds what the click log takes.
func stream(s *estimate.Sheet, clicks, peak, replicas *estimate.Expr) {
	size := s.Input("record per click", 260, estimate.Byte, "clicks/click.go as JSON, before compression")
	s.Between(60, 400)
	retention := s.Input("click log kept for", 7, estimate.Day, "requirement: a week to notice a fault and count again")
	s.Between(1, 30)
	s.Derive("Kafka bandwidth at peak", clicks.Times(peak).Times(size), estimate.MBPerSecond)
	s.Derive("Kafka storage", clicks.Times(size).Times(retention).Times(replicas), estimate.TB)
}

package tickets

import (
	_ "embed"

	"designkits/shared/estimate"
)

// measured are the figures of the last bench, which the sheet takes some from.
//
//go:embed bench/results.json
var measured []byte

// Sheet is the capacity estimate of one sale: a stadium that many more people
// want to get into than fit. What is kept of an order is schema.sql's, filled
// and measured; what is sent and kept of a seat is package seatmap's and
// hold.lua's.
func Sheet() *estimate.Sheet {
	s := estimate.New("Ticket sale").UseResultsJSON(measured)
	d := crowd(s)
	waiting(s, &d)
	f := admission(s, d)
	seatMap(s, &f)
	payment(s, f)
	books(s, d, f)
	bots(s, d)
	cost(s, d, f)
	return s
}

// A demand is how many come for how much.
type demand struct {
	seats, perOrder, orders *estimate.Expr
	accounts                *estimate.Expr // that wait, people's and programs'
	programs                *estimate.Expr // of those
	share                   *estimate.Expr // of programs
	requests                *estimate.Expr
	early                   *estimate.Expr // how long before the sale they come
	gates, sent             *estimate.Expr // nodes, and bytes a second to all who wait
}

// A flow is what goes on inside, a second.
type flow struct {
	admitted, orders *estimate.Expr
	lasts            *estimate.Expr // the sale
	bookings         *estimate.Expr // nodes
	inside           *estimate.Expr // people at once
	sent             *estimate.Expr // bytes a second to all who see the seats
}

var all = estimate.Const(100, estimate.Percent)

// crowd adds who comes.
func crowd(s *estimate.Sheet) (d demand) {
	d.seats = s.Input("seats", 60_000, estimate.Count, "the stadium that comes with the case, standing room aside")
	s.Between(500, 200_000)
	per := s.Input("people per seat", 7, estimate.Ratio, "Live Nation's chairman on CNBC, November 2022: 14 million came for 2 million tickets of Taylor Swift; in Mumbai in 2024 it was 87, 13 million for 150,000 of Coldplay (Le Monde)")
	s.Between(1, 90)
	requests := s.Input("requests per ticket", 1_750, estimate.Ratio, "Ticketmaster's statement of November 2022: 3.5 billion requests, and over 2 million tickets sold that day")
	s.Between(10, 5_000)
	d.share = s.Input("share of bots", 40, estimate.Percent, "Distil Networks 2019: 39.9 % of the requests to 180 ticket sites; here of the accounts that wait")
	s.Between(0, 90)
	d.perOrder = s.Input("tickets per order", 2.5, estimate.Ratio, "assumption; the shipped events allow an account 4 or 6")
	s.Between(1, 8)
	d.early = s.Input("they join within", 600, estimate.Second, "assumption: ten minutes before the sale begins, most of them")
	s.Between(60, 3_600)

	people := s.Derive("people", d.seats.Times(per), estimate.Count)
	d.accounts = s.Derive("accounts that wait", people.Over(all.Minus(d.share)), estimate.Count)
	d.programs = d.accounts.Times(d.share)
	d.orders = s.Derive("orders", d.seats.Over(d.perOrder), estimate.Count)
	s.Derive("a person's chance", d.orders.Over(d.accounts), estimate.Percent)
	s.Derive("a person's chance without bots", d.orders.Over(people), estimate.Percent)
	d.requests = s.Derive("requests", d.seats.Times(requests), estimate.Count)
	return d
}

// waiting adds what it takes to let them wait.
func waiting(s *estimate.Sheet, d *demand) {
	s.Derive("joins", d.accounts.Over(d.early), estimate.PerSecond)
	entry := s.Input("memory per account that waits", 117, estimate.Byte, "MEMORY USAGE of a queue of 500,000 in Redis (adapters/redis/room_test.go)")
	s.Between(80, 300)
	s.Derive("waiting room in Redis", d.accounts.Times(entry), estimate.MB)
	told := s.Input("bytes per news of a place", 120, estimate.Byte, "room.Board: an event of adapters/gateapi with its frame")
	s.Between(50, 500)
	pause := s.Input("news of a place every", 5, estimate.Second, "room.Board, for those far from the door")
	s.Between(0.25, 30)
	d.sent = s.Derive("sent to all who wait", d.accounts.Times(told).Over(pause), estimate.MBPerSecond)
	s.Slip("places looked up", d.accounts.Over(estimate.Const(2, estimate.Second)), estimate.PerSecond,
		"a page that asks every two seconds; a place follows from how far the queue has come, which is read four times a second for all")
	watched := s.Input("streams per gate", 20_000, estimate.Count, "WATCHERS of cmd/gate; how many a node can do isn't measured")
	s.Between(2_000, 200_000)
	d.gates = s.Derive("gates", d.accounts.Over(watched).RoundUp().AtLeast(2), estimate.Count)
}

// admission adds how fast the sale goes, and why it mustn't go faster.
func admission(s *estimate.Sheet, d demand) (f flow) {
	f.admitted = s.Input("let in", 100, estimate.PerSecond, "assumption: the gate finds what booking serves below its p99, between 20 and 1,000")
	s.Between(5, 1_000)
	buys := s.Input("share that buys", 60, estimate.Percent, "assumption; the others find nothing that they like, or can't pay")
	s.Between(5, 100)
	stays := s.Input("time inside", 240, estimate.Second, "assumption: two minutes to choose, and two to pay")
	s.Between(30, 1_800)
	held := s.Input("time from hold to payment", 120, estimate.Second, "assumption; HoldFor of the shipped events is as long, and an order keeps its seats for three minutes (PAY_FOR)")
	s.Between(10, 900)

	most := s.Input("seats per account", 4, estimate.Count, "PerAccount of the shipped events with a waiting room")
	s.Between(1, 50)
	longest := s.Input("longest hold", 600, estimate.Second, "MaxHold of the shipped events: with all extensions")
	s.Between(10, 3_600)

	f.orders = s.Derive("orders placed", f.admitted.Times(buys), estimate.PerSecond)
	f.lasts = s.Derive("the sale takes", d.orders.Over(f.orders), estimate.Second)
	s.Derive("let in until it is sold out", f.admitted.Times(f.lasts), estimate.Count)
	f.inside = s.Derive("people inside", f.admitted.Times(stays), estimate.Count)
	f.bookings = booking(s, f)
	s.Derive("seats held", f.admitted.Times(d.perOrder).Times(held), estimate.Count)
	s.Derive("let in at most", d.orders.Over(held), estimate.PerSecond)
	s.Derive("seats that bots can hold", f.admitted.Times(d.share).Times(most).Times(longest), estimate.Count)
	s.Slip("requests to the stores without a room", d.requests.Over(f.lasts), estimate.PerSecond,
		"everybody's, while the sale lasts; with the room booking serves those inside, and most of them would have found every seat held")
	return f
}

// booking adds the replicas that grant the holds and show the seats.
func booking(s *estimate.Sheet, f flow) *estimate.Expr {
	tries := s.Input("requests for seats per person", 1.5, estimate.Ratio, "bench claims-informed: 1.3 a sale; and who finds no seats together asks for single ones")
	s.Between(1, 10)
	granted := s.Measured("holds per booking", "holds-http", estimate.PerSecond) // of two cores, shared with Redis and the load
	s.Between(500, 50_000)
	watched := s.Input("pages per booking", 10_000, estimate.Count, "WATCHERS of cmd/booking; bench map-deltas has 5,000")
	s.Between(1_000, 100_000)
	holds := s.Derive("holds", f.admitted.Times(tries), estimate.PerSecond)
	s.Derive("let in that one booking could serve", granted.Times(estimate.Const(0.6, estimate.Ratio)).Over(tries), estimate.PerSecond)
	byHolds := s.Derive("booking replicas for holds", holds.Over(granted).WithHeadroom(0.6).RoundUp(), estimate.Count)
	byPages := s.Derive("booking replicas for pages", f.inside.Over(watched).RoundUp().AtLeast(2), estimate.Count)
	larger := func(args ...float64) float64 { return max(args[0], args[1]) }
	return s.Derive("booking replicas", estimate.Apply("max(for holds, for pages)", estimate.Count, larger, byHolds, byPages), estimate.Count)
}

// seatMap adds what it takes to show the seats to those inside.
func seatMap(s *estimate.Sheet, f *flow) {
	change := s.Input("bytes per changed seat", 6, estimate.Byte, "seatmap.Delta: a number of five digits and a comma")
	s.Between(2, 60)
	frame := s.Input("bytes per delta", 70, estimate.Byte, "its version, the names of its lists, the frame of the event")
	s.Between(40, 200)
	often := s.Input("deltas at most", 10, estimate.PerSecond, "seatmap.Halls: one every 100 ms at most, whatever happens")
	s.Between(1, 20)
	each := s.Input("changes per person let in", 5, estimate.Ratio, "2.5 seats held, and then sold or free")
	s.Between(1, 30)
	one := s.Derive("sent to one page", f.admitted.Times(each).Times(change).Plus(often.Times(frame)), estimate.BytePerSecond)
	f.sent = s.Derive("sent to all pages", f.inside.Times(one), estimate.MBPerSecond)
	s.Slip("the whole map each time", f.inside.Times(estimate.Const(60, estimate.KB)).Times(often), estimate.MBPerSecond,
		"a letter a seat, ten times a second; a page needs the whole once, when it opens")
}

// payment adds what is under way at the provider.
func payment(s *estimate.Sheet, f flow) {
	took := s.Input("a call of the provider takes", 75, estimate.Millisecond, "the mean of its simulator's default: half within 50 ms, 99 of 100 within 400")
	s.Between(10, 2_000)
	calls := s.Input("calls per order", 2, estimate.Ratio, "authorise and capture")
	s.Between(1, 6)
	gives := s.Input("a step gives up after", 5, estimate.Second, "half of a worker's lease of 10 s (LEASE); within it a try ends after 2 s, and there are three")
	s.Between(1, 60)
	s.Derive("orders under way", f.orders.Times(calls).Times(took), estimate.Count)
	s.Derive("orders under way, provider silent", f.orders.Times(gives), estimate.Count)
	late := s.Input("payments decided late", 1, estimate.Percent, "assumption: a bank that asks its customer back, or is slow")
	s.Between(0, 50)
	within := s.Input("a payment is given up after", 900, estimate.Second, "PAY_WITHIN of cmd/worker")
	s.Between(60, 86_400)
	s.Derive("orders that wait for the provider", f.orders.Times(late).Times(within), estimate.Count)
	workers := s.Input("orders per worker at once", 32, estimate.Count, "AT_ONCE of cmd/worker")
	s.Between(1, 500)
	s.Derive("workers", f.orders.Times(calls).Times(took).Over(workers).WithHeadroom(0.6).RoundUp().AtLeast(2), estimate.Count)
}

// books adds what is kept of the sale.
func books(s *estimate.Sheet, d demand, f flow) {
	row := s.Input("stored per order", 6.4, estimate.KB, "10,000 finished orders of two seats in schema.sql, with their indexes, looked at once")
	s.Between(1, 50)
	commits := s.Input("commits per order", 10, estimate.Ratio, "placed, leased, four moves, the sale, the message with the last move, and notices of the provider; a hold is none")
	s.Between(3, 30)
	copies := s.Input("copies", 3, estimate.Count, "requirement: of Kafka's log; PostgreSQL has two, one of them a standby")
	s.Between(1, 5)
	hold := s.Input("memory per held seat", 124, estimate.Byte, "MEMORY USAGE of a hash of 60,000 seats as hold.lua writes them, looked at once")
	s.Between(60, 400)

	s.Derive("PostgreSQL", d.orders.Times(row), estimate.MB)
	s.Derive("commits", f.orders.Times(commits), estimate.PerSecond)
	s.Derive("commits, if holds were rows", f.orders.Times(commits).Plus(f.admitted), estimate.PerSecond)
	s.Derive("seats in Redis", d.seats.Times(hold), estimate.MB)
	events := s.Input("events per order", 6, estimate.Ratio, "one a state: placed, authorised, confirmed, captured, ticketed, done")
	s.Between(3, 12)
	record := s.Input("bytes per event", 300, estimate.Byte, "saga.Event as JSON")
	s.Between(100, 1_000)
	s.Derive("Kafka bandwidth", f.orders.Times(events).Times(record), estimate.MBPerSecond)
	s.Derive("Kafka storage", d.orders.Times(events).Times(record).Times(copies), estimate.MB)
}

// bots adds what proof of work costs a farm.
func bots(s *estimate.Sheet, d demand) {
	const most = 1 << 22
	work := s.Input("hashes for a place", most, estimate.Count, "2²² on average: what the highest suspicion costs (bots.Bits)")
	s.Between(1<<14, 1<<30)
	speed := s.Input("hashes per core", 2e6, estimate.PerSecond, "bots.Solve on one core here, looked at once; a browser does about a million, a graphics card thousands of times as many")
	s.Between(2e5, 1e10)
	core := s.Input("price of a core", 40, estimate.DollarPerMonth, "assumption: a quarter of a node")
	s.Between(5, 100)
	s.Derive("a phone works", work.Over(estimate.Const(1e6, estimate.PerSecond)), estimate.Second)
	s.Derive("all bots' work costs them", d.programs.Times(work).Over(speed).Times(core), estimate.Dollar)
}

// cost adds the bill of one sale.
func cost(s *estimate.Sheet, d demand, f flow) {
	node := s.Input("price of a node", 150, estimate.DollarPerMonth, "assumption: 4 cores, 16 GB, reserved for a year")
	s.Between(50, 600)
	others := s.Input("nodes of the stores and the saga", 9, estimate.Count, "assumption: 2 workers, 2 PostgreSQL, 2 Redis, 3 Kafka")
	s.Between(5, 100)
	rented := s.Input("rented for", 1, estimate.Day, "assumption: the day of the sale")
	s.Between(0.1, 31)
	traffic := s.Input("price of egress", 0.05, estimate.DollarPerGB, "assumption; list prices are 0.02 to 0.09")
	s.Between(0.005, 0.12)
	ticket := s.Input("price of a ticket", 136, estimate.Dollar, "Pollstar 2024: the average of the 100 largest tours, $135.92")
	s.Between(10, 500)
	percent := s.Input("the provider's share", 2.9, estimate.Percent, "Stripe's list price for cards in the USA, with 30 cents an order")
	s.Between(0.2, 4)

	machines := s.Derive("machines", d.gates.Plus(f.bookings).Plus(others).Times(node).Times(rented), estimate.Dollar)
	sent := d.sent.Times(d.early.Plus(f.lasts)).Plus(f.sent.Times(f.lasts))
	s.Derive("egress", sent.Times(traffic), estimate.Dollar)
	fees := s.Derive("the provider's fees", d.seats.Times(ticket).Times(percent).Plus(d.orders.Times(estimate.Const(0.3, estimate.Dollar))), estimate.Dollar)
	s.Derive("machines as a share of the fees", machines.Over(fees), estimate.Percent)
}

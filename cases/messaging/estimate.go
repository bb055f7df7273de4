package messaging

import (
	_ "embed"

	"designkits/shared/estimate"
)

// measured are the figures of the last bench, which the sheet takes some from.
//
//go:embed bench/results.json
var measured []byte

// Sheet is the capacity estimate of a messenger that everybody on a continent has
// on the phone. What is stored of a message is the arithmetic at BucketSize, held
// against schema.cql's tables, filled and measured (adapters/cassandra/size_test.go);
// what is held of a connection is the bench's.
func Sheet() *estimate.Sheet {
	s := estimate.New("Messaging").UseResultsJSON(measured)
	var l load
	people(s, &l)
	talk(s, &l)
	gateways := holding(s, l)
	nodes := gateways.Plus(routing(s, l))
	reconnects(s, l, gateways)
	log := ordering(s, l, gateways)
	books := keeping(s, l)
	media := pictures(s, l)
	cost(s, l, nodes.Plus(log.nodes).Plus(books.nodes), books.stored.Plus(log.stored), media)
	return s
}

// A load is who is there, what is said, and to how many devices it goes.
type load struct {
	connections, perPerson, people *estimate.Expr
	online                         *estimate.Expr // share of a day's people, at the busiest moment
	messages, peak, factor         *estimate.Expr // a second, on average and at the busiest time; the one over the other
	inboxes                        *estimate.Expr // that a message is written to
	notices                        *estimate.Expr // devices that fetch it from a large group's history, a message of any kind
	reached                        *estimate.Expr // by either of the two
	large                          *estimate.Expr // share to large groups
	bodies                         *estimate.Expr // of all kinds of messages on average
	body, frame                    *estimate.Expr
	copies                         *estimate.Expr
}

var (
	all = estimate.Const(100, estimate.Percent)
	one = estimate.Const(1, estimate.Count)
)

func larger(args ...float64) float64 { return max(args[0], args[1]) }

// people adds who is connected, and from how many that follows.
func people(s *estimate.Sheet, l *load) {
	l.connections = s.Input("connections", 50e6, estimate.Count, "requirement, at the busiest moment; the curveball goes on to 500 million")
	s.Between(100_000, 2e9)
	l.perPerson = s.Input("devices per person", 1.4, estimate.Ratio, "assumption: a phone, and for some a computer")
	s.Between(1, MaxDevices)
	l.online = s.Input("share of people connected", 25, estimate.Percent, "assumption: at the busiest moment, of those who come within a day")
	s.Between(5, 100)
	l.people = s.Derive("people a day", l.connections.Over(l.perPerson).Over(l.online), estimate.Count)
	l.copies = s.Input("copies", 3, estimate.Count, "requirement: one node may die while another is down for repair; of Kafka and of Cassandra")
	s.Between(1, 5)
}

// talk adds what they say.
func talk(s *estimate.Sheet, l *load) {
	daily := s.Input("messages per person", 50, estimate.PerDay, "WhatsApp, October 2020: 100 billion messages a day, more than 2 billion people")
	s.Between(5, 200)
	l.factor = s.Input("peak factor", 2.5, estimate.Ratio, "assumption: the busiest hour over the average one; New Year's Eve is worse")
	s.Between(1, 10)
	l.messages = s.Derive("messages", l.people.Times(daily), estimate.PerSecond)
	l.peak = s.Derive("messages at peak", l.messages.Times(l.factor), estimate.PerSecond)

	small := s.Input("share to groups", 30, estimate.Percent, "assumption")
	s.Between(0, 80)
	members := s.Input("members of a group", 8, estimate.Count, "assumption: families and friends")
	s.Between(3, 256)
	l.large = s.Input("share to large groups", 0.1, estimate.Percent, "assumption: above WRITE_UP_TO of cmd/chat")
	s.Between(0, 5)
	crowd := s.Input("members of a large group", 5_000, estimate.Count, "assumption; 10,000 is a requirement, and a channel may have 100,000")
	s.Between(500, MaxMembers)

	pair := estimate.Const(2, estimate.Count).Times(l.perPerson).Minus(one) // all but the sender's device
	group := members.Times(l.perPerson).Minus(one)
	l.inboxes = s.Derive("inboxes per message", all.Minus(small).Minus(l.large).Times(pair).Plus(small.Times(group)), estimate.Count)
	l.notices = s.Derive("notices per message", l.large.Times(crowd).Times(l.perPerson), estimate.Count)
	l.reached = s.Derive("devices per message", l.inboxes.Plus(l.notices), estimate.Count)
	s.Slip("inboxes per message, large groups as well", l.reached, estimate.Count,
		"one message in a thousand would be written more often than all others together; so it is one row that is read, and a notice")
	// A group's sender keys, which go along now and then, are left out.
	l.bodies = s.Derive("bodies per message", all.Minus(small).Minus(l.large).Times(pair).Plus(small.Plus(l.large)), estimate.Count)
	l.body = s.Input("bytes per body", 325, estimate.Byte, "measured: a text of up to 253 B, padded to 256, in an envelope of a session of the Signal protocol; between two people each device has its own, a group has one by its sender key, taken as large here")
	s.Between(100, MaxBody)
	l.frame = s.Input("bytes per frame", 700, estimate.Byte, "wire.Message as JSON with a body in base 64, before compression")
	s.Between(200, 5_000)
}

// holding adds what it takes to hold the connections.
func holding(s *estimate.Sheet, l load) (gateways *estimate.Expr) {
	state := s.Measured("memory per connection", "idle-connection", estimate.KB) // at 15,000, with the session's state
	s.Between(1, 50)
	kernel := s.Input("the kernel's memory per connection", 4, estimate.KB, "assumption: a TCP socket with empty buffers, its inode, its entries of the file table and of epoll")
	s.Between(2, 100)
	most := s.Input("connections per gateway", 500_000, estimate.Count, "choice: as many come back at once when one dies; WhatsApp had 2 million on a server in 2012")
	s.Between(10_000, 2.5e6)
	memory := s.Input("memory of a gateway", 16, estimate.GB, "assumption: the node that is paid for below; half of it for connections")
	s.Between(2, 256)
	held := s.Derive("memory of all connections", l.connections.Times(state.Plus(kernel)), estimate.GB)
	s.Slip("with two goroutines a connection", l.connections.Times(estimate.Const(23, estimate.KB).Plus(kernel)), estimate.GB,
		"gorilla's default upgrader, a goroutine that reads and one that writes: stacks and buffers, before anybody has said a word")
	byMemory := s.Derive("gateways for the memory", held.Over(memory).WithHeadroom(0.5).RoundUp(), estimate.Count)
	byChoice := s.Derive("gateways for few to come back", l.connections.Over(most).RoundUp(), estimate.Count)
	gateways = s.Derive("gateways", estimate.Apply("max(for the memory, for few to come back)", estimate.Count, larger, byMemory, byChoice).AtLeast(2), estimate.Count)

	ping := s.Input("a heartbeat every", 30, estimate.Second, "PingEvery of adapters/websocket: of silence")
	s.Between(10, 600)
	beat := s.Input("bytes per heartbeat", 164, estimate.Byte, "a ping of 2 B, a pong of 6 B with its mask, 52 B of IP and TCP around each and around an acknowledgement")
	s.Between(60, 400)
	beats := s.Derive("heartbeats", l.connections.Over(ping), estimate.PerSecond)
	s.Derive("heartbeats' traffic", beats.Times(beat), estimate.MBPerSecond)
	// Each device gets each message once, at once or when it is back: while some are
	// away as much is fetched by those who were. So no share connected stands here.
	// That there is a message in a large group is told as well, in few bytes.
	frames := s.Derive("frames at peak", l.peak.Times(l.reached), estimate.PerSecond)
	s.Derive("sent to devices at peak", frames.Times(l.frame), estimate.MBPerSecond)
	return gateways
}

// routing adds what it takes to know where everybody is.
func routing(s *estimate.Sheet, l load) (redis *estimate.Expr) {
	again := s.Input("a route is refreshed every", 10, estimate.Second, "a third of session.RouteFor")
	s.Between(3, 300)
	route := s.Input("memory per route", 150, estimate.Byte, "assumption: its key, a value of 30 B, when it ends, and Redis's own")
	s.Between(80, 300)
	scripts := s.Input("routes per Redis node", 150_000, estimate.PerSecond, "assumption: refresh.lua, 500 in a round trip")
	s.Between(20_000, 500_000)
	refreshed := s.Derive("routes refreshed", l.connections.Over(again), estimate.PerSecond)
	s.Derive("routes in Redis", l.connections.Times(route), estimate.GB)
	return s.Derive("Redis nodes", refreshed.Over(scripts).WithHeadroom(0.6).RoundUp().AtLeast(2), estimate.Count)
}

// reconnects adds what comes back when something dies.
func reconnects(s *estimate.Sheet, l load, gateways *estimate.Expr) {
	within := s.Input("back within", 10, estimate.Second, "requirement: each device tries at a random moment, and later after each failure")
	s.Between(1, 600)
	handshakes := s.Input("handshakes per gateway", 2_000, estimate.PerSecond, "assumption for 4 cores: token, limits, route, inbox")
	s.Between(100, 20_000)
	lost := s.Derive("connections lost with a gateway", l.connections.Over(gateways), estimate.Count)
	storm := s.Derive("handshakes when one dies", lost.Over(within), estimate.PerSecond)
	s.Derive("of those at each other gateway", storm.Over(gateways.Minus(one)), estimate.PerSecond)
	s.Derive("all are back after an outage of all", l.connections.Over(gateways.Times(handshakes)), estimate.Second)
	s.Derive("inboxes read meanwhile", gateways.Times(handshakes), estimate.PerSecond)
}

// A fleet is nodes, and what is stored on their disks.
type fleet struct{ nodes, stored *estimate.Expr }

// ordering adds the owners and their log.
func ordering(s *estimate.Sheet, l load, gateways *estimate.Expr) (log fleet) {
	each := s.Input("messages per chat process", 3_000, estimate.PerSecond, "assumption for 4 cores: number, commit, store, announce")
	s.Between(200, 50_000)
	owners := s.Derive("chat processes", l.peak.Over(each).WithHeadroom(0.6).RoundUp().AtLeast(2), estimate.Count)
	batch := s.Input("messages per partition", 2_000, estimate.PerSecond, "assumption: one append at a time, of all that waits")
	s.Between(100, 20_000)
	s.Derive("partitions", l.peak.Over(batch).WithHeadroom(0.6).RoundUp().AtLeast(Partitions), estimate.Count)

	head := s.Input("bytes per record beside its bodies", 350, estimate.Byte, "the message's head as JSON; nothing is taken off for compression")
	s.Between(100, 1_000)
	carries := s.Input("written per broker", 150, estimate.MBPerSecond, "assumption: with what it copies from others")
	s.Between(20, 1_000)
	kept := s.Input("log kept for", 7, estimate.Day, "keepMessages of adapters/kafka: how long a partition may be without an owner that applies")
	s.Between(0.1, 30)
	disk := s.Input("data per broker", 4, estimate.TB, "assumption; as much of the disk again is left, for what a dead one had")
	s.Between(0.5, 16)
	base64 := estimate.Const(4.0/3, estimate.Ratio)
	record := s.Derive("bytes per record", head.Plus(l.body.Times(l.bodies).Times(base64)), estimate.Byte)
	logged := s.Derive("Kafka, messages at peak", l.peak.Times(record), estimate.MBPerSecond)
	// In a fleet each of those who are connected is at another gateway, and a large
	// group is at all of them. A delivery holds one body; a notice, addresses instead.
	delivery := s.Derive("bytes per delivery", head.Plus(l.body.Times(base64)), estimate.Byte)
	delivered := s.Derive("Kafka, deliveries at peak", l.peak.Times(l.inboxes.Times(l.online).Plus(l.large.Times(gateways))).Times(delivery), estimate.MBPerSecond)
	log.stored = s.Derive("Kafka's log", l.messages.Times(record).Times(kept).Times(l.copies), estimate.TB) // deliveries are kept for ten minutes
	byTraffic := s.Derive("Kafka brokers for traffic", logged.Plus(delivered).Times(l.copies).Over(carries).WithHeadroom(0.6).RoundUp().AtLeast(3), estimate.Count)
	byDisk := s.Derive("Kafka brokers for disk", log.stored.Over(disk).RoundUp(), estimate.Count)
	brokers := s.Derive("Kafka brokers", estimate.Apply("max(for traffic, for disk)", estimate.Count, larger, byTraffic, byDisk), estimate.Count)
	log.nodes = owners.Plus(brokers)
	return log
}

// keeping adds what is stored of it.
func keeping(s *estimate.Sheet, l load) (a fleet) {
	beside := s.Input("stored beside the bodies", 0.2, estimate.KB, "arithmetic at BucketSize: the head and the row's own; adapters/cassandra/size_test.go measures 2 MiB at most for 1,000 messages with three bodies, and 1 for 1,000 items with one")
	s.Between(0.05, 2)
	row := s.Derive("stored per message", beside.Plus(l.body.Times(l.bodies)), estimate.KB)
	item := s.Derive("stored per inbox item", beside.Plus(l.body), estimate.KB)
	bucket := s.Input("messages per bucket", BucketSize, estimate.Count, "BucketSize")
	s.Between(100, 100_000)
	part := s.Input("stored per part of an inbox", 0.05, estimate.KB, "measured: its row in the index, 5 MiB for 100,000")
	s.Between(0.03, 0.2)
	busy := s.Input("conversations of the busiest device", 200, estimate.PerDay, "assumption: that speak on a day")
	s.Between(10, MaxConversations)
	s.Derive("a partition of a history", row.Times(bucket), estimate.MB)
	s.Derive("a partition of nothing but the largest messages", estimate.Const(MaxBody, estimate.Byte).Times(bucket), estimate.MB)
	s.Derive("a partition of an inbox", item.Times(bucket), estimate.MB)
	s.Derive("the index of the busiest inbox", part.Times(busy).Times(estimate.Const(30, estimate.Day)), estimate.MB)

	kept := s.Input("history kept for", 1, estimate.Year, "requirement; a messenger that keeps nothing on its servers needs the inboxes alone")
	s.Between(0.02, 10)
	away := s.Input("time until a device has it", 0.5, estimate.Day, "assumption: on average; 30 days at most")
	s.Between(0.001, 30)
	history := s.Derive("history", l.messages.Times(kept).Times(row).Times(l.copies), estimate.TB)
	waiting := s.Derive("inboxes", l.messages.Times(l.inboxes).Times(away).Times(item).Times(l.copies), estimate.TB)
	devices := l.people.Times(l.perPerson)
	s.Derive("an inbox after 30 days away", l.messages.Times(l.inboxes).Over(devices).Times(item).Times(estimate.Const(30, estimate.Day)), estimate.MB)
	a.stored = history.Plus(waiting)

	perItem := s.Input("writes per inbox item", 3, estimate.Count, "the item, of a device that isn't connected; the receipt; and the item's end. Fewer where many come together: they have one receipt, one end, and one row of the index of inboxes")
	s.Between(1, 5)
	writing := s.Input("rows written per Cassandra node", 15_000, estimate.PerSecond, "assumption for 4 cores: many in a batch and in a commit to the disk")
	s.Between(1_000, 50_000)
	// Who is connected has acknowledged before its item is written. A large group's
	// message is in no inbox either, but each device's receipt is written, and an end
	// with it.
	items := l.inboxes.Times(perItem).Minus(l.inboxes.Times(l.online))
	writes := s.Derive("rows written at peak", l.peak.Times(one.Plus(items).Plus(l.notices.Times(perItem.Minus(one)))), estimate.PerSecond)
	byWrites := s.Derive("Cassandra nodes for writes", writes.Times(l.copies).Over(writing).WithHeadroom(0.6).RoundUp(), estimate.Count)
	byReads := reading(s, l)
	disk := s.Input("data per Cassandra node", 2, estimate.TB, "assumption; as much of the disk again is left for compaction")
	s.Between(0.5, 8)
	byDisk := s.Derive("Cassandra nodes for disk", a.stored.Over(disk).RoundUp().AtLeast(3), estimate.Count)
	// Reads and writes want the same cores.
	a.nodes = s.Derive("Cassandra nodes", estimate.Apply("max(for writes + for reads, for disk)", estimate.Count, larger, byWrites.Plus(byReads), byDisk), estimate.Count)
	return a
}

// reading adds what is read of it, and the nodes for that.
func reading(s *estimate.Sheet, l load) (nodes *estimate.Expr) {
	warm := s.Input("rows read while it is remembered", 2.5, estimate.Count, "measured once between two people, at a message a second, by Cassandra's counters; more in a group")
	s.Between(0.5, 30)
	tail := s.Input("rows read when it was forgotten", 256, estimate.Count, "Remembered of order: what an owner reads of a conversation before it goes on with it")
	s.Between(0, 1_000)
	burst := s.Input("messages until it is forgotten", 10, estimate.Count, "assumption: said in a row; an owner has room for 50,000 conversations, which others fill in a quarter of an hour")
	s.Between(1, 1_000)
	fetch := s.Input("rows read for a notice", 2, estimate.Count, "one's place in the group, and the message; those at one gateway read that together, so fewer")
	s.Between(1, 3)
	back := s.Input("a device comes back", 10, estimate.PerDay, "assumption")
	s.Between(1, 100)
	list := s.Input("rows read when it is back", 40, estimate.Count, "assumption: ten conversations, and three rows to find how far each is; and five parts of its inbox that are looked up and found empty. The items of others come on top")
	s.Between(3, 1_000)
	from := s.Input("rows read per Cassandra node", 30_000, estimate.PerSecond, "assumption for 4 cores: most of them in slices; the bench's 0.19 ms of a core for 1.1 rows written and 0.2 read would be 27,000 single ones")
	s.Between(3_000, 100_000)
	missed := l.inboxes.Times(all.Minus(l.online)) // by who is away, and reads the inbox
	each := s.Derive("rows read per message", warm.Plus(tail.Over(burst)).Plus(missed).Plus(l.notices.Times(fetch)), estimate.Count)
	returns := s.Derive("rows read by who comes back", l.people.Times(l.perPerson).Times(back).Times(list), estimate.PerSecond)
	reads := s.Derive("rows read at peak", l.messages.Times(each).Plus(returns).Times(l.factor), estimate.PerSecond)
	quorum := l.copies.Plus(one).Times(estimate.Const(0.5, estimate.Count)) // two of three are asked
	return s.Derive("Cassandra nodes for reads", reads.Times(quorum).Over(from).WithHeadroom(0.6).RoundUp(), estimate.Count)
}

// A gallery is what goes past all of it, straight to the store.
type gallery struct {
	kept *estimate.Expr
	each *estimate.Expr // bytes a message, which each device fetches
}

// pictures adds the media.
func pictures(s *estimate.Sheet, l load) (g gallery) {
	share := s.Input("share with media", 5, estimate.Percent, "assumption: one message in twenty has a picture, a voice or a film")
	s.Between(0, 50)
	size := s.Input("bytes per media", 400, estimate.KB, "assumption: most are pictures that the sender has made small")
	s.Between(20, 20_000)
	days := s.Input("media kept for", 31, estimate.Day, "KeptFor of media: a day longer than an inbox")
	s.Between(1, 3_650)
	s.Derive("media uploaded at peak", l.peak.Times(share).Times(size), estimate.MBPerSecond)
	g.each = share.Times(size)
	g.kept = s.Derive("media", l.messages.Times(share).Times(size).Times(days), estimate.TB)
	return g
}

// cost adds the bill of a month.
func cost(s *estimate.Sheet, l load, nodes, stored *estimate.Expr, media gallery) {
	monthly := estimate.DollarPerGB.Over(estimate.Month)
	node := s.Input("price of a node", 150, estimate.DollarPerMonth, "assumption: 4 cores, 16 GB, reserved for a year")
	s.Between(50, 600)
	disk := s.Input("price of a disk", 0.08, monthly, "AWS price list for us-east-1: gp3")
	s.Between(0.02, 0.2)
	object := s.Input("price of the object store", 0.023, monthly, "AWS price list for us-east-1: S3 Standard")
	s.Between(0.004, 0.05)
	traffic := s.Input("price of egress", 0.05, estimate.DollarPerGB, "assumption; list prices are 0.02 to 0.09")
	s.Between(0.005, 0.12)
	machines := s.Derive("machines", nodes.Times(node), estimate.DollarPerMonth)
	disks := s.Derive("disks", stored.Times(estimate.Const(2, estimate.Count)).Times(disk), estimate.DollarPerMonth) // half of each is left free
	kept := s.Derive("media kept", media.kept.Times(object), estimate.DollarPerMonth)
	egress := s.Derive("egress", l.messages.Times(l.reached).Times(l.frame.Plus(media.each)).Times(traffic), estimate.DollarPerMonth)
	bill := s.Derive("cost", machines.Plus(disks).Plus(kept).Plus(egress), estimate.DollarPerMonth)
	s.Derive("cost per person", bill.Over(l.people), estimate.DollarPerMonth)
}

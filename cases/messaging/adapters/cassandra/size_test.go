package cassandra

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/cql"
	"designkits/shared/testenv"
)

// largest is what Cassandra says of the largest partition of each table, in MiB,
// rounded up: of what has gone to the disk, before compression.
func largest(t *testing.T, db *DB) map[string]int64 {
	t.Helper()
	sizes := map[string]int64{}
	rows := db.session.Query(`SELECT table_name, mebibytes FROM system_views.max_partition_size WHERE keyspace_name = ?`, db.config.Keyspace).WithContext(t.Context()).Iter()
	var table string
	for size := int64(0); rows.Scan(&table, &size); {
		sizes[table] = size
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	return sizes
}

// flush has Cassandra write tables to the disk, and returns the sizes then.
func flush(t *testing.T, db *DB, tables ...string) (sizes map[string]int64) {
	t.Helper()
	for _, table := range tables {
		if err := db.session.Query(`ALTER TABLE ` + table + ` WITH memtable_flush_period_in_ms = 100`).WithContext(t.Context()).Exec(); err != nil {
			t.Fatal(err)
		}
	}
	testenv.Eventually(t, 3*time.Minute, "the tables are on the disk", func() bool {
		sizes = largest(t, db)
		return !slices.ContainsFunc(tables, func(table string) bool { return sizes[table] == 0 })
	})
	return sizes
}

// ownKeyspace has tables that nothing else is in.
func ownKeyspace(t *testing.T) *DB {
	name := testenv.Namespace(t)
	return openDB(t, func(c *Config) { c.Keyspace, c.Timeout = name, 4*time.Minute })
}

const (
	partitionLimit = 10  // MiB, of what usual messages make
	partitionWarns = 100 // MiB, of the largest messages that are allowed
)

// averageBody is the one of the arithmetic at messaging.BucketSize.
func averageBody(devices ...messaging.Address) messaging.Body {
	body := messaging.Body{To: map[messaging.Address][]byte{}}
	for _, a := range devices {
		body.To[a] = make([]byte, 300)
	}
	return body
}

// talk is what one person says to another, n times in a row.
func talk(n int, body messaging.Body) []messaging.Message {
	c, sender := messaging.NewConversationID(messaging.Group), messaging.Address{User: messaging.NewUserID(), Device: 1}
	all := make([]messaging.Message, n)
	at := time.Date(2026, time.November, 26, 0, 0, 0, 0, time.UTC)
	for i := range all {
		all[i] = messaging.Message{Draft: messaging.Draft{Conversation: c, ID: messaging.MessageID(fmt.Sprintf("message-%08d", i)),
			Sender: sender, Kind: messaging.Posted, Body: body}, Seq: messaging.Seq(i + 1), At: at}
	}
	return all
}

func itemsTo(a messaging.Address, messages []messaging.Message) []messaging.Item {
	items := make([]messaging.Item, len(messages))
	for i, m := range messages {
		items[i] = messaging.Item{Device: a, Message: m}
	}
	return items
}

// A conversation of many messages is as many partitions as it has buckets, and so is
// what it says to a device on a day: all of it here.
func TestPartitionsOfMessagesAreBounded(t *testing.T) {
	db := ownKeyspace(t)
	a := messaging.Address{User: messaging.NewUserID(), Device: 1}
	long := talk(10*messaging.BucketSize, averageBody(a, messaging.Address{User: a.User, Device: 2}, messaging.Address{User: a.User, Device: 3}))
	if err := errors.Join(db.History().Put(t.Context(), long), db.Inbox().Put(t.Context(), itemsTo(a, long))); err != nil {
		t.Fatal(err)
	}
	sizes := flush(t, db, "messages", "inbox_items")
	t.Logf("the largest partitions, in MiB: %v", sizes)
	for table, most := range map[string]int64{"messages": 2, "inbox_items": 1} {
		if size := sizes[table]; size > most {
			t.Errorf("%s has a partition of %d MiB, above %d: by the arithmetic at BucketSize a bucket has 1.2 MB, and half of that in an inbox", table, size, most)
		}
	}
	// The control: in one partition either would be far above that.
	if messages, items := len(long)*(3*300+150)>>20, len(long)*(300+150)>>20; messages < partitionLimit || items < 4 {
		t.Fatalf("the conversation has %d MiB, and %d for a device: too little to show anything", messages, items)
	}
}

// A bucket of nothing but the largest messages stays below what Cassandra warns
// of: a tenth of one is measured.
func TestABucketOfTheLargestMessagesIsBounded(t *testing.T) {
	db := ownKeyspace(t)
	a := messaging.Address{User: messaging.NewUserID(), Device: 1}
	const some = messaging.BucketSize / 10
	largest := talk(some-1, messaging.Body{Shared: make([]byte, messaging.MaxBody)})
	if err := errors.Join(db.History().Put(t.Context(), largest), db.Inbox().Put(t.Context(), itemsTo(a, largest))); err != nil {
		t.Fatal(err)
	}
	sizes := flush(t, db, "messages", "inbox_items")
	for _, table := range []string{"messages", "inbox_items"} {
		// At least half: Cassandra may have written a part of it before, for want of memory.
		if size := sizes[table]; size < some*messaging.MaxBody>>21 || size*10 >= partitionWarns {
			t.Errorf("%s: a tenth of a bucket has %d MiB; a whole one must be below %d", table, size, partitionWarns)
		}
	}
}

// The index of an inbox in which as many conversations as a person may be in have
// said something on each day that it keeps: a third of it is measured.
func TestTheIndexOfAnInboxIsBounded(t *testing.T) {
	db := ownKeyspace(t)
	a := messaging.Address{User: messaging.NewUserID(), Device: 1}
	today := dayOf(noon())
	var writes []cql.Write
	for range messaging.MaxConversations {
		c := messaging.NewConversationID(messaging.Group)
		for ago := range int64(messaging.InboxFor/day) / 3 {
			writes = append(writes, indexOfPart(part{a, today - ago, c, ago}, noon()))
		}
	}
	if err := db.run(t.Context(), "put parts", "of an inbox", func(ctx context.Context) error { return db.writer.do(ctx, writes) }); err != nil {
		t.Fatal(err)
	}
	size := flush(t, db, "inbox_parts")["inbox_parts"]
	t.Logf("%d parts: %d MiB", len(writes), size)
	if size*3 > partitionWarns/4 {
		t.Errorf("a third of the index has %d MiB; the whole of it must be below a quarter of the %d of which Cassandra warns", size, partitionWarns)
	}
}

// A device that publishes as many prekeys as it may, all of the largest keys.
func TestAPartitionOfPrekeysIsBounded(t *testing.T) {
	db := ownKeyspace(t)
	a := messaging.Address{User: messaging.NewUserID(), Device: 1}
	for first := 0; first < messaging.MaxPrekeys; first += messaging.MaxOneTime {
		b := messaging.Bundle{Device: a, Identity: make([]byte, messaging.MaxKey), Signed: make([]byte, messaging.MaxKey)}
		for id := range messaging.MaxOneTime {
			b.OneTime = append(b.OneTime, messaging.Prekey{ID: uint32(first + id), Key: make([]byte, messaging.MaxKey)})
		}
		if err := db.Prekeys().Publish(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	size := flush(t, db, "prekeys")["prekeys"]
	t.Logf("%d MiB", size)
	if size < messaging.MaxPrekeys*messaging.MaxKey>>20 || size > partitionLimit {
		t.Errorf("the partition has %d MiB, wanted what was published, and %d at most", size, partitionLimit)
	}
}

// The fullest shard of a channel that has had as many people as one may, all of whom
// had all devices: a half of it is measured.
func TestPartitionsOfMembersAreBounded(t *testing.T) {
	db := ownKeyspace(t)
	c := messaging.NewConversationID(messaging.Channel)
	var members []messaging.Membership
	for len(members) < messaging.MaxRoster/messaging.MemberShards/2 {
		if u := messaging.NewUserID(); shardOf(c, u) == 0 {
			members = append(members, messaging.Membership{User: u, Role: messaging.Member, Since: 1 << 40})
		}
	}
	var writes []cql.Write
	for _, m := range members {
		for device := range messaging.DeviceID(messaging.MaxDevices) {
			r := messaging.Receipt{Conversation: c, Device: messaging.Address{User: m.User, Device: device + 1}}
			writes = append(writes, mark(r, "delivered", 1<<40), mark(r, "read", 1<<40))
		}
	}
	if err := db.Rosters().Change(t.Context(), c, members, 1<<40); err != nil {
		t.Fatal(err)
	}
	if err := db.run(t.Context(), "put receipts", "of a shard", func(ctx context.Context) error { return db.writer.do(ctx, writes) }); err != nil {
		t.Fatal(err)
	}
	sizes := flush(t, db, "members", "receipts")
	t.Logf("the largest partitions, in MiB: %v", sizes)
	for _, table := range []string{"members", "receipts"} {
		if size := sizes[table]; size*2 > partitionLimit {
			t.Errorf("half a partition of %s has %d MiB; a whole one must not be above %d", table, size, partitionLimit)
		}
	}
	var n int
	if err := db.session.Query(`SELECT COUNT(user) FROM members WHERE conversation = ? AND shard = 0`, string(c)).WithContext(t.Context()).Scan(&n); err != nil || n != len(members) {
		t.Errorf("the shard has %d members (%v), wanted %d", n, err, len(members))
	}
}

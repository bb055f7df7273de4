package cassandra

import (
	"context"
	"fmt"
	"slices"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/cql"
)

// Inbox is the messaging.Inbox.
//
// An item is put with timestamp 1 and taken away with 2, so that one which is put
// again stays away. How far a device has a conversation its receipt says, and that
// decides; that the items are dropped from their partitions is the clearing up. A
// Drop does it in today's of the number, where nearly all are, and needn't find out
// where the others are: a page that comes upon them drops them.
type Inbox struct{ db *DB }

// Inbox returns the store of what devices haven't acknowledged yet.
func (db *DB) Inbox() *Inbox { return &Inbox{db} }

var _ messaging.Inbox = (*Inbox)(nil)

// A part is a partition of a device's inbox: what a conversation has said on a day
// within a bucket of its numbers. See messaging.BucketSize for why not all of a day.
type part struct {
	device       messaging.Address
	day          int64 // since 1970
	conversation messaging.ConversationID
	bucket       int64
}

// partOf is where the message is put for a device.
func partOf(a messaging.Address, m messaging.Message) part {
	return part{a, dayOf(m.At), m.Conversation, m.Seq.Bucket()}
}

// key is the part as the columns of both tables have it.
func (p part) key() []any {
	return []any{p.device.String(), dateOf(p.day), string(p.conversation), p.bucket}
}

func (p part) partition() string {
	return fmt.Sprintf("inbox_items %s %d %s %d", p.device, p.day, p.conversation, p.bucket)
}

// An indexed is a part that is in its device's index, put there within an hour of
// this process's clock.
type indexed struct {
	part
	hour int64 // since 1970
}

const day = 24 * time.Hour

func dayOf(t time.Time) int64 { return t.Unix() / int64(day/time.Second) }

// dateOf is the day as the driver wants it.
func dateOf(d int64) time.Time { return time.Unix(d*int64(day/time.Second), 0).UTC() }

var (
	inboxSeconds = int(messaging.InboxFor / time.Second)
	// An item may follow its part into the index by as long as the part is taken to be there.
	indexSeconds = inboxSeconds + int(time.Hour/time.Second)
)

const (
	putItem = `INSERT INTO inbox_items (device, day, conversation, bucket, seq, id, sender, kind, target, users, title, at, shared, own) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP 1`
	putPart = `INSERT INTO inbox_parts (device, day, conversation, bucket, written) VALUES (?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?`
)

// together is how many items are put, or forgotten, under one deadline: what a batch
// of messages is to large groups can take much longer than one operation may.
const together = 128

// Put stores items. The first of a part, and the first of each hour, also writes the
// part into the device's index, with this machine's clock as the timestamp: see clear.
func (s *Inbox) Put(ctx context.Context, items []messaging.Item) error {
	for some := range slices.Chunk(items, together) {
		if err := s.put(ctx, some); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Inbox) put(ctx context.Context, items []messaging.Item) error {
	subject := fmt.Sprintf("(%d, the first to %s)", len(items), items[0].Device)
	return s.db.run(ctx, "put items", subject, func(ctx context.Context) error {
		now := s.db.config.Now()
		writes := make([]cql.Write, 0, len(items)+4)
		var begun []indexed
		for _, item := range items {
			p := partOf(item.Device, item.Message)
			if i := (indexed{p, now.Unix() / 3600}); !s.db.parts.has(i) && !slices.Contains(begun, i) {
				begun = append(begun, i)
				writes = append(writes, indexOfPart(p, now))
			}
			writes = append(writes, itemOf(item, p))
		}
		if err := s.db.writer.do(ctx, writes); err != nil {
			return err
		}
		s.db.parts.add(begun)
		return nil
	})
}

func indexOfPart(p part, now time.Time) cql.Write {
	return cql.Write{
		Partition: "inbox_parts " + p.device.String(),
		Statement: putPart,
		Values:    append(p.key(), now, indexSeconds, now.UnixMicro()),
	}
}

func itemOf(item messaging.Item, p part) cql.Write {
	m := item.Message
	own := m.Body.To[item.Device]
	return cql.Write{
		Partition: p.partition(),
		Statement: putItem,
		Values: append(p.key(), int64(m.Seq), string(m.ID), m.Sender.String(), string(m.Kind),
			unset(m.Target == 0, int64(m.Target)), unset(len(m.Users) == 0, m.Users), unset(m.Title == "", m.Title), m.At,
			unset(len(m.Body.Shared) == 0, m.Body.Shared), unset(len(own) == 0, own), inboxSeconds),
	}
}

// Drop removes the items of today that are in the bucket of what is delivered: a few
// at a time, behind what others write.
func (s *Inbox) Drop(ctx context.Context, receipts []messaging.Receipt) error {
	today := dayOf(s.db.config.Now())
	for some := range slices.Chunk(receipts, fewWrites) {
		err := s.db.run(ctx, "drop items", ofReceipts(some), func(ctx context.Context) error {
			writes := make([]cql.Write, 0, len(some))
			for _, r := range some {
				if r.Delivered > 0 {
					writes = append(writes, drop(part{r.Device, today, r.Conversation, r.Delivered.Bucket()}, r.Delivered))
				}
			}
			return s.db.writer.do(ctx, writes)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// drop removes the items of a part up to a number.
func drop(p part, upTo messaging.Seq) cql.Write {
	return cql.Write{
		Partition: p.partition(),
		Statement: `DELETE FROM inbox_items USING TIMESTAMP 2 WHERE device = ? AND day = ? AND conversation = ? AND bucket = ? AND seq <= ?`,
		Values:    append(p.key(), int64(upTo)),
	}
}

// Forget takes bodies away with timestamp 2, under which a Put is, whether it comes
// before or after.
func (s *Inbox) Forget(ctx context.Context, devices []messaging.Address, m messaging.Message) error {
	for some := range slices.Chunk(devices, together) {
		if err := s.forget(ctx, some, m); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Inbox) forget(ctx context.Context, devices []messaging.Address, m messaging.Message) error {
	return s.db.run(ctx, "forget items", fmt.Sprintf("%s/%d at %d devices", m.Conversation, m.Seq, len(devices)), func(ctx context.Context) error {
		writes := make([]cql.Write, len(devices))
		for i, a := range devices {
			p := partOf(a, m)
			writes[i] = cql.Write{
				Partition: p.partition(),
				Statement: `UPDATE inbox_items USING TIMESTAMP 2 SET shared = null, own = null WHERE device = ? AND day = ? AND conversation = ? AND bucket = ? AND seq = ?`,
				Values:    append(p.key(), int64(m.Seq)),
			}
		}
		return s.db.writer.do(ctx, writes)
	})
}

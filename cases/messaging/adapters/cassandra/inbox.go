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
// Drop does it in today's, where nearly all are, and needn't find out where the
// others are: a page that comes upon them drops them.
type Inbox struct{ db *DB }

// Inbox returns the store of what devices haven't acknowledged yet.
func (db *DB) Inbox() *Inbox { return &Inbox{db} }

var _ messaging.Inbox = (*Inbox)(nil)

// A deviceDay is a partition of a device's inbox.
type deviceDay struct {
	device messaging.Address
	day    int64 // since 1970
}

const day = 24 * time.Hour

func dayOf(t time.Time) int64 { return t.Unix() / int64(day/time.Second) }

// date is the day as the driver wants it.
func (d deviceDay) date() time.Time { return dateOf(d.day) }

func dateOf(d int64) time.Time { return time.Unix(d*int64(day/time.Second), 0).UTC() }

var inboxSeconds = int(messaging.InboxFor / time.Second)

const putItem = `INSERT INTO inbox (device, day, conversation, seq, id, sender, kind, target, users, title, at, shared, own) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP 1`

// together is how many items are put, or forgotten, under one deadline: what a batch
// of messages is to large groups can take much longer than one operation may.
const together = 128

// Put stores items. The first of a device's day also writes the day into its
// index, with this machine's clock as the timestamp: see clear.
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
		recent := dayOf(now) - 1
		writes := make([]cql.Write, 0, len(items)+4)
		var begun []deviceDay
		for _, item := range items {
			d := deviceDay{item.Device, dayOf(item.Message.At)}
			if !s.db.days.has(d) && !slices.Contains(begun, d) {
				begun = append(begun, d)
				writes = append(writes, cql.Write{
					Partition: "inbox_days " + d.device.String(),
					Statement: `INSERT INTO inbox_days (device, day) VALUES (?, ?) USING TTL ? AND TIMESTAMP ?`,
					Values:    []any{d.device.String(), d.date(), inboxSeconds, now.UnixMicro()},
				})
			}
			writes = append(writes, itemOf(item, d))
		}
		if err := s.db.writer.do(ctx, writes); err != nil {
			return err
		}
		// An older day may be cleared away by others.
		s.db.days.add(slices.DeleteFunc(begun, func(d deviceDay) bool { return d.day < recent }))
		return nil
	})
}

func itemOf(item messaging.Item, d deviceDay) cql.Write {
	m, device := item.Message, d.device.String()
	own := m.Body.To[item.Device]
	return cql.Write{
		Partition: fmt.Sprintf("inbox %s %d", device, d.day),
		Statement: putItem,
		Values: []any{device, d.date(), string(m.Conversation), int64(m.Seq), string(m.ID), m.Sender.String(), string(m.Kind),
			unset(m.Target == 0, int64(m.Target)), unset(len(m.Users) == 0, m.Users), unset(m.Title == "", m.Title), m.At,
			unset(len(m.Body.Shared) == 0, m.Body.Shared), unset(len(own) == 0, own), inboxSeconds},
	}
}

// Drop removes the items of today: a few at a time, behind what others write.
func (s *Inbox) Drop(ctx context.Context, receipts []messaging.Receipt) error {
	today := dayOf(s.db.config.Now())
	for some := range slices.Chunk(receipts, fewWrites) {
		err := s.db.run(ctx, "drop items", ofReceipts(some), func(ctx context.Context) error {
			writes := make([]cql.Write, 0, len(some))
			for _, r := range some {
				if r.Delivered > 0 {
					writes = append(writes, s.drop(deviceDay{r.Device, today}, r.Conversation, r.Delivered))
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

// drop removes a conversation's items of a day up to a number.
func (s *Inbox) drop(d deviceDay, c messaging.ConversationID, upTo messaging.Seq) cql.Write {
	return cql.Write{
		Partition: fmt.Sprintf("inbox %s %d", d.device, d.day),
		Statement: `DELETE FROM inbox USING TIMESTAMP 2 WHERE device = ? AND day = ? AND conversation = ? AND seq <= ?`,
		Values:    []any{d.device.String(), d.date(), string(c), int64(upTo)},
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
			d := deviceDay{a, dayOf(m.At)}
			writes[i] = cql.Write{
				Partition: fmt.Sprintf("inbox %s %d", d.device, d.day),
				Statement: `UPDATE inbox USING TIMESTAMP 2 SET shared = null, own = null WHERE device = ? AND day = ? AND conversation = ? AND seq = ?`,
				Values:    []any{a.String(), d.date(), string(m.Conversation), int64(m.Seq)},
			}
		}
		return s.db.writer.do(ctx, writes)
	})
}
